//! `cargo run -p testkit --bin forecast`: days left of simulated accounts whose end is known; ours, straight lines and
//! the last day's burn.

use testkit::forecast::{FAMILIES, Family, Score, answer, score};
use testkit::{Figures, Stopwatch};

const COMMAND: &str = "cargo run -p testkit --bin forecast";
const HISTORIES: [usize; 4] = [1, 3, 7, 14];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn main() -> std::io::Result<()> {
    // The method was made while looking at the seeds below 300, so these do not count.
    let first = setting("SEED", 1_000);
    let seeds = first..first + setting("SEEDS", 300);
    let heads = ["median", "p90", "bias", "line", "p90", "bias", "cut", "p90", "bias", "24 h", "p90", "bias"];
    print!("{:<11} {:>4} |", "family", "days");
    for method in heads.chunks(3) {
        print!(" {:>6} {:>6} {:>6} |", method[0], method[1], method[2]);
    }
    println!(" {:>6} | {:>12} {:>12} {:>12}", "silent", "in low", "medium", "high");
    let mut f = Figures::new("forecast", COMMAND);
    let mut all = Score::default();
    let mut weeks = Vec::new();
    for family in FAMILIES {
        for days in HISTORIES {
            let score = score(family, days, seeds.clone());
            print(&family.name(), days, &score);
            all.extend(&score);
            if days == 7 {
                weeks.push((family, score));
            }
        }
    }
    print("all", 0, &all);
    println!();
    report(&mut f, &all, &weeks);
    f.add("one forecast of 168 reads", cost(), "us", "aim < 50, mean of 20,000");
    f.save()?;
    Ok(())
}

fn print(name: &str, days: usize, s: &Score) {
    let percent = |x: f64| format!("{:.0}%", 100.0 * x);
    let within = |(hit, all): (u64, u64)| {
        if all == 0 { "-".to_owned() } else { format!("{} of {all}", percent(hit as f64 / all as f64)) }
    };
    print!("{name:<11} {days:>4} |");
    for e in [&s.ours, &s.line, &s.cut, &s.naive] {
        print!(" {:>6} {:>6} {:>6} |", percent(e.off(0.5)), percent(e.off(0.9)), percent(e.bias()));
    }
    let silent = percent(s.silent.0 as f64 / s.silent.1.max(1) as f64);
    println!(" {silent:>6} | {:>12} {:>12} {:>12}", within(s.within[0]), within(s.within[1]), within(s.within[2]));
}

fn report(f: &mut Figures, all: &Score, weeks: &[(Family, Score)]) {
    let line = |s: &Score, q| {
        let [line, cut, naive] = [&s.line, &s.cut, &s.naive].map(|e| 100.0 * e.off(q));
        format!("straight line {line:.1}, since the last rise {cut:.1}, last day {naive:.1}")
    };
    for (family, s) in weeks {
        f.add(&format!("{}, 7 d, median error", family.name()), 100.0 * s.ours.off(0.5), "%", &line(s, 0.5));
        f.add(&format!("{}, 7 d, p90 error", family.name()), 100.0 * s.ours.off(0.9), "%", &line(s, 0.9));
    }
    f.add("all families and histories, median error", 100.0 * all.ours.off(0.5), "%", &line(all, 0.5));
    f.add("all families and histories, p90 error", 100.0 * all.ours.off(0.9), "%", &line(all, 0.9));
    for (name, (hit, of)) in ["low", "medium", "high"].into_iter().zip(all.within) {
        let share = 100.0 * hit as f64 / of.max(1) as f64;
        f.add(&format!("truth within [low, high], confidence {name}"), share, "%", "aim 80");
    }
    f.add("no number given", 100.0 * all.silent.0 as f64 / all.silent.1.max(1) as f64, "%", "a day of history or more");
}

/// Microseconds of one forecast over a week of hourly reads.
fn cost() -> f64 {
    const ROUNDS: u64 = 20_000;
    let Some(case) = (0..100).find_map(|seed| Family::Everything.case(seed, 7)) else { return f64::NAN };
    let watch = Stopwatch::start();
    let mut sum = 0.0;
    for _ in 0..ROUNDS {
        sum += answer(std::hint::black_box(&case)).days_left.unwrap_or(0.0);
    }
    std::hint::black_box(sum);
    watch.elapsed().as_secs_f64() * 1e6 / ROUNDS as f64
}
