use tslog::{Options, Record};

#[derive(Record)]
struct Reading {
    #[record(unit = "s")]
    time: u64,
    #[record(unit = "degC")]
    temperature: f32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let log = Options::new().commit_delta(16).open::<Reading>("data/readings")?;
    log.store(&Reading { time: 1, temperature: 20.5 })?; // from any thread
    log.commit()?;

    let mut uplink = log.reader(0)?;
    while let Some(reading) = uplink.next()? {
        println!("{} {}", reading.time, reading.temperature); // send it
    }
    uplink.commit()?; // now it may be forgotten
    Ok(())
}
