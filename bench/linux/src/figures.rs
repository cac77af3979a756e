//! The figures that have bars: tslog over the best of its peers, in one run. A few rounds of all
//! peers tell, by the best of each, which of them are near enough to matter. From then on a round
//! is each of them once, in an order that is drawn, and is compared within itself: what else the
//! machine does changes from one round to the next, and much less within one. The median of all
//! rounds counts.

use crate::groups::{Pace, commits, read, unsynced};
use crate::peers::Kind;
use crate::random::Random;
use crate::results::{Case, Results, Spread};
use tslog_sim::mount::Ext4;

/// How many peers stay in the race after the first rounds.
const NEAREST: usize = 3;
/// Rounds until then: in one alone, the best peer may have been held up.
const HEATS: usize = 5;

/// A race: what is measured, and who takes part beside tslog.
struct Race<'a> {
    case: Case<'a>,
    metric: &'a str,
    /// Whether less is better.
    less: bool,
    takes_part: fn(Kind) -> bool,
    rounds: usize,
}

pub fn run(ext4: &Ext4) -> Result<(), String> {
    let durable = Race {
        case: (commits::NAME, "16/16"),
        metric: "us",
        less: true,
        takes_part: Kind::is_durable,
        // Few percent lie between the first and the second, and a round takes half a second.
        rounds: 101,
    };
    let ratio =
        durable.run(|kind, results| commits::one(ext4, kind, 16, 16, Pace::Full, results))?;
    figure("linux_peers_durable_best", ratio);

    let stored = Race {
        case: (unsynced::NAME, "16"),
        metric: "rate",
        less: false,
        takes_part: |_| true,
        rounds: 9,
    };
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
        let nothing = || Results::load(std::path::Path::new("/dev/null"));
        let mut results = nothing();
        let peers = Kind::ALL
            .iter()
            .copied()
            .filter(|&kind| !kind.is_baseline() && kind != Kind::Tslog && (self.takes_part)(kind));
        let mut peers: Vec<Kind> = peers.collect();
        for _ in 0..HEATS {
            for &kind in &peers {
                measure(kind, &mut results);
            }
        }
        let best = |kind| {
            let spread = results.spread(self.case, kind, self.metric);
            self.score(spread.map(|spread| if self.less { spread.least } else { spread.most }))
        };
        peers.sort_by(|&one, &other| best(other).total_cmp(&best(one)));
        peers.truncate(NEAREST);

        let mut all = nothing();
        let mut random = Random::new(1);
        let mut ahead = vec![Vec::new(); peers.len()];
        for _ in 0..self.rounds {
            let mut order = [&peers[..], &[Kind::Tslog]].concat();
            random.shuffle(&mut order);
            let mut round = nothing();
            for kind in order {
                measure(kind, &mut round);
                if let Some(value) = round.median(self.case, kind, self.metric) {
                    all.add(self.case, kind, self.metric, &value);
                }
            }
            let score = |kind| self.score(round.median(self.case, kind, self.metric));
            let ours = score(Kind::Tslog);
            for (ahead, &kind) in ahead.iter_mut().zip(&peers) {
                let theirs = score(kind);
                if ours > 0.0 && theirs > 0.0 {
                    ahead.push(ours / theirs);
                }
            }
        }
        for &kind in peers.iter().chain([&Kind::Tslog]) {
            let spread = all.spread(self.case, kind, self.metric);
            eprintln!("{} {}: {}: {spread:.2?}", self.case.0, self.case.1, kind.name());
        }
        let mut least = f64::INFINITY;
        for (ahead, kind) in ahead.into_iter().zip(&peers) {
            let ahead = Spread::of(ahead).ok_or("nothing was measured")?;
            eprintln!("{} {}: over {}: {ahead:.3?}", self.case.0, self.case.1, kind.name());
            least = least.min(ahead.median);
        }
        if least.is_finite() { Ok(least) } else { Err("nothing was measured".into()) }
    }

    /// More is better; 0 is nothing.
    fn score(&self, value: Option<f64>) -> f64 {
        let value = value.unwrap_or(0.0);
        if self.less && value > 0.0 { 1.0 / value } else { value }
    }
}

/// Prints one figure, rounded down so that no bar holds by the rounding.
fn figure(name: &str, value: f64) {
    println!("{name} {:.3} times", (value * 1000.0).floor() / 1000.0);
}
