//! The data set of the demo: 18,914 readings of four wireless motes, as `examples/data` ships them.
//!
//! It owns the decoding of `motes.txt`, whose lines `examples/data/README.md` describes. Humidity
//! and temperature come out as the `f32` nearest to the decimal number of the source, so that they
//! print as the source does and can be compared with `==`.

/// The compact copy, built into the program so that the demo needs no file.
const MOTES: &str = include_str!("../../../../examples/data/motes.txt");

/// How often each mote took a reading, in seconds.
pub(crate) const INTERVAL_S: u64 = 5;

/// One reading of one mote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    /// Which mote, 1 to 4.
    pub(crate) mote: u8,
    /// The number of the reading, from 1 for each mote.
    pub(crate) number: u32,
    /// True if the mote stood indoors.
    pub(crate) indoor: bool,
    /// Relative humidity in percent.
    pub(crate) humidity: f32,
    /// Temperature in degrees Celsius.
    pub(crate) temperature: f32,
    /// True if the event that the experiment introduced was going on.
    pub(crate) event: bool,
}

/// All readings, by mote and within a mote in the order they were taken.
///
/// Fails with a sentence that names the line if the copy in the program is not what `make.py`
/// writes.
pub(crate) fn readings() -> Result<Vec<Reading>, String> {
    decode(MOTES)
}

fn decode(text: &str) -> Result<Vec<Reading>, String> {
    let mut decoder = Decoder::default();
    let mut readings = Vec::new();
    for (line, number) in text.lines().zip(1u32..) {
        decoder.line(line, &mut readings).ok_or_else(|| {
            format!(
                "line {number} of motes.txt is not understood: {line:?}. \
                 Write it again: python3 examples/data/make.py"
            )
        })?;
    }
    Ok(readings)
}

/// Where the decoder stands: the mote of the lines to come, and the values they are relative to.
#[derive(Default)]
struct Decoder {
    mote: u8,
    indoor: bool,
    number: u32,
    /// In hundredths of a percent.
    humidity: i32,
    /// In hundredths of a degree.
    temperature: i32,
}

impl Decoder {
    /// Takes one line, which names a mote or is a reading; `None` if it is not understood.
    fn line(&mut self, line: &str, readings: &mut Vec<Reading>) -> Option<()> {
        let words: Vec<&str> = line.split(' ').collect();
        match *words.as_slice() {
            ["mote", mote, place @ ("indoor" | "outdoor")] => {
                let indoor = place == "indoor";
                *self = Self { mote: mote.parse().ok()?, indoor, ..Self::default() };
            }
            [humidity, temperature] => readings.push(self.reading(humidity, temperature, false)?),
            [humidity, temperature, "1"] => {
                readings.push(self.reading(humidity, temperature, true)?);
            }
            _ => return None,
        }
        Some(())
    }

    fn reading(&mut self, humidity: &str, temperature: &str, event: bool) -> Option<Reading> {
        self.humidity = self.humidity.checked_add(humidity.parse().ok()?)?;
        self.temperature = self.temperature.checked_add(temperature.parse().ok()?)?;
        self.number = self.number.checked_add(1)?;
        (self.mote > 0).then_some(Reading {
            mote: self.mote,
            number: self.number,
            indoor: self.indoor,
            humidity: value(self.humidity)?,
            temperature: value(self.temperature)?,
            event,
        })
    }
}

/// The `f32` nearest to so many hundredths; a division rounds once, so that it is the nearest.
fn value(hundredths: i32) -> Option<f32> {
    let hundredths = i16::try_from(hundredths).ok()?;
    Some(f32::from(hundredths) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the source, `data.csv` of the npm package.
    fn csv() -> String {
        let mut csv = String::from("reading,mote_id,indoor,humidity,temperature,label\n");
        for r in readings().unwrap() {
            let (indoor, event) = (u8::from(r.indoor), u8::from(r.event));
            let row = format!(
                "{},{},{indoor},{},{},{event}\n",
                r.number, r.mote, r.humidity, r.temperature
            );
            csv.push_str(&row);
        }
        csv
    }

    /// FNV-1a of 64 bits, as `make.py` computes it for the source.
    fn fnv1a(data: &[u8]) -> u64 {
        data.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    #[test]
    fn the_data_set_expands_to_its_source_byte_for_byte() {
        let csv = csv();
        assert_eq!(csv.len(), 427_141);
        assert_eq!(fnv1a(csv.as_bytes()), 0xcf6f_4995_4d1c_8636);
    }

    #[test]
    fn each_mote_has_all_its_readings() {
        let readings = readings().unwrap();
        assert_eq!(readings.len(), 18_914);
        for (mote, count, indoor, events) in
            [(1, 4417, true, 117), (2, 4417, true, 0), (3, 5039, false, 0), (4, 5041, false, 32)]
        {
            let own: Vec<_> = readings.iter().filter(|r| r.mote == mote).collect();
            assert_eq!(own.len(), count, "mote {mote}");
            assert!(own.iter().zip(1..).all(|(r, n)| r.number == n), "mote {mote} is numbered");
            assert!(own.iter().all(|r| r.indoor == indoor), "mote {mote} stands in one place");
            assert_eq!(own.iter().filter(|r| r.event).count(), events, "mote {mote}");
        }
    }

    #[test]
    fn the_first_and_last_readings_have_the_values_of_the_source() {
        let readings = readings().unwrap();
        let of = |mote: u8| readings.iter().filter(move |r| r.mote == mote);
        let values = |r: &Reading| (r.humidity, r.temperature);
        let ends = |mote| (values(of(mote).next().unwrap()), values(of(mote).next_back().unwrap()));
        assert_eq!(ends(1), ((45.93, 27.97), (42.62, 27.05)));
        assert_eq!(ends(2), ((48.09, 27.69), (44.28, 26.83)));
        assert_eq!(ends(3), ((35.3, 33.25), (45.47, 22.77)));
        assert_eq!(ends(4), ((37.16, 33.94), (46.72, 23.05)));
    }

    #[test]
    fn the_readings_of_the_readme_are_the_first_of_mote_3() {
        let csv = include_str!("../../../../examples/data/readings.csv");
        let row = |r: &Reading| {
            let seconds = u64::from(r.number) * INTERVAL_S;
            format!("{seconds},{},{}", r.temperature, r.humidity)
        };
        let readings = readings().unwrap();
        let expected = readings.iter().filter(|r| r.mote == 3).take(60).map(row);
        assert!(csv.lines().skip(1).eq(expected), "{csv}");
        assert!(csv.starts_with("time,temperature,humidity\n") && csv.ends_with('\n'));
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        for bad in ["4593", "4593 2797 2", "45.93 27.97", "4593 2797 1 1", "x 1", "40000 1", ""] {
            let error = decode(&format!("mote 1 indoor\n1 1\n{bad}\n")).unwrap_err();
            assert!(error.contains("line 3 "), "{bad:?} gave {error}");
        }
        assert!(decode("1 1\n").unwrap_err().contains("line 1 "), "a reading before its mote");
        assert!(decode("mote 300 indoor\n").is_err(), "a mote that is no byte");
    }
}
