//! The firmware without a log: the driver, and what else the others have too.
#![no_std]
#![no_main]

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use figures::{SECTOR_SIZE, weigh};

firmware::entry!(start);

fn start() -> ! {
    weigh(|mut nor, record| {
        nor.erase(0, SECTOR_SIZE).is_ok()
            && nor.write(0, record).is_ok()
            && nor.read(0, record).is_ok()
    })
}
