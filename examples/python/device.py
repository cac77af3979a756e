"""A program for a device: a sensor stores, and a thread sends what was stored.

    python -m tslog.device examples/python/device.py --root /tmp/device --for 10 --speed 20

`sleep`, `thread` and `time.now` are the device's own; tslog.device supplies them elsewhere.
"""

import time

from tslog import tslog

log = tslog.TSLog("/zerynth/readings", formats=["Qff"], commit_delta=5)
print("opened with", log.stats()[0], "readings")


def send_all():
    """Sends what is there, and acknowledges every ten readings."""
    reader = log.reader(0)
    count = 0
    while True:
        reading = reader.next()
        if reading is None:
            sleep(100)
            continue
        print("sent", reading)
        count += 1
        if count % 10 == 0:
            print("acknowledged up to", reader.commit())


thread(send_all)
temperature = 20.0
for step in range(100000):
    temperature += 0.25 if step % 7 else -1.25
    number = log.store(time.now(), temperature, 40.0)
    sleep(50)
    if number % 20 == 0:
        log.commit()
        while log.stats()[2] >= 10:
            print("waits for the reader")
            sleep(100)
