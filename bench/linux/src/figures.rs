//! The figures that have bars: tslog over the best of its peers, in one run, as medians of rounds
//! that alternate. One round of all peers tells which of them are near enough to matter.

use crate::groups::{Pace, commits, read, unsynced};
use crate::peers::Kind;
use crate::results::{Case, Results};
use tslog_sim::mount::Ext4;

/// How many peers stay in the race after the first round.
const NEAREST: usize = 3;
const ROUNDS: usize = 9;

/// A race: what is measured, and who takes part beside tslog.
struct Race<'a> {
    case: Case<'a>,
    metric: &'a str,
    /// Whether less is better.
    less: bool,
    takes_part: fn(Kind) -> bool,
}

pub fn run(ext4: &Ext4) -> Result<(), String> {
    let durable = Race {
        case: (commits::NAME, "16/16"),
        metric: "us",
        less: true,
        takes_part: Kind::is_durable,
    };
    let ratio =
        durable.run(|kind, results| commits::one(ext4, kind, 16, 16, Pace::Full, results))?;
    figure("linux_peers_durable_best", ratio);

    let stored =
        Race { case: (unsynced::NAME, "16"), metric: "rate", less: false, takes_part: |_| true };
    let ratio = stored.run(|kind, results| unsynced::one(ext4, kind, 16, 1 << 20, results))?;
    figure("linux_peers_store_vs_best", ratio);

    let mut results = Results::load(std::path::Path::new("/dev/null"));
    let peers: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| !kind.is_baseline()).collect();
    read::run_case(ext4, (16, 1024, 1 << 19), &peers, 3, &mut results);
    let case = (read::NAME, "16/1024");
    let rate = |kind, metric| results.median(case, kind, metric);
    let best = |takes_part: fn(Kind) -> bool| {
        let others = peers.iter().filter(|&&kind| kind != Kind::Tslog && takes_part(kind));
        let rates = others.filter_map(|&kind| Some((rate(kind, "batches")?, kind)));
        rates.max_by(|one, other| one.0.total_cmp(&other.0)).ok_or("no peer could be read")
    };
    let ours = rate(Kind::Tslog, "batches").zip(rate(Kind::Tslog, "next"));
    let (batches, next) = ours.ok_or("tslog could not be read")?;
    let verifying = best(Kind::verifies)?;
    eprintln!("read, batches: {batches:.0}/s; {}: {:.0}/s", verifying.1.name(), verifying.0);
    figure("linux_peers_batch_vs_best_verifying", batches / verifying.0);
    let any = best(|_| true)?;
    eprintln!("read, one by one: {next:.0}/s; {}: {:.0}/s", any.1.name(), any.0);
    figure("linux_peers_next_vs_best", next / any.0);
    figure("linux_peers_next_vs_best_verifying", next / verifying.0);
    Ok(())
}

impl Race<'_> {
    /// By how much tslog is ahead of the best peer.
    fn run(&self, mut measure: impl FnMut(Kind, &mut Results)) -> Result<f64, String> {
        let mut results = Results::load(std::path::Path::new("/dev/null"));
        let peers = Kind::ALL
            .iter()
            .copied()
            .filter(|&kind| !kind.is_baseline() && kind != Kind::Tslog && (self.takes_part)(kind));
        let mut peers: Vec<Kind> = peers.collect();
        for &kind in &peers {
            measure(kind, &mut results);
        }
        let score = |kind, results: &Results| {
            let value = results.median(self.case, kind, self.metric).unwrap_or(0.0);
            if self.less { if value > 0.0 { 1.0 / value } else { 0.0 } } else { value }
        };
        peers.sort_by(|&one, &other| score(other, &results).total_cmp(&score(one, &results)));
        peers.truncate(NEAREST);
        let mut results = Results::load(std::path::Path::new("/dev/null"));
        for round in 0..ROUNDS {
            let mut order = [&peers[..], &[Kind::Tslog]].concat();
            let by = round % order.len();
            order.rotate_left(by);
            for kind in order {
                measure(kind, &mut results);
            }
        }
        let ours = score(Kind::Tslog, &results);
        for &kind in peers.iter().chain([&Kind::Tslog]) {
            let spread = results.spread(self.case, kind, self.metric);
            eprintln!("{} {}: {}: {spread:.2?}", self.case.0, self.case.1, kind.name());
        }
        let best = peers.iter().map(|&kind| score(kind, &results)).fold(0.0, f64::max);
        if ours > 0.0 && best > 0.0 { Ok(ours / best) } else { Err("nothing was measured".into()) }
    }
}

/// Prints one figure, rounded down so that no bar holds by the rounding.
fn figure(name: &str, value: f64) {
    println!("{name} {:.3} times", (value * 1000.0).floor() / 1000.0);
}
