use super::*;

const HOUR: i64 = 3600;

fn attempt(visitor: Visitor) -> Attempt {
    Attempt { name: [1; 32], exists: true, unlocked: None, visitor }
}

fn from(address: &str) -> Attempt {
    attempt(Visitor::Client(address.parse().expect("an address")))
}

/// Tries as often as the throttle lets it, until a time; the number of tries.
fn tries_until(throttle: &mut Throttle, attempt: &Attempt, now: &mut i64, end: i64) -> u32 {
    let mut tries = 0;
    while *now < end {
        match throttle.begin(attempt, *now) {
            Ok(()) => tries += 1,
            Err(wait) => *now += wait,
        }
    }
    tries
}

#[test]
fn each_try_after_five_waits_twice_as_long_up_to_a_quarter_of_an_hour() {
    let (mut throttle, client, mut now) = (Throttle::default(), from("203.0.113.7"), 1000);
    let mut waits = Vec::new();
    for _ in 0..18 {
        let wait = throttle.begin(&client, now).err().unwrap_or(0);
        waits.push(wait);
        now += wait;
        if wait > 0 {
            assert_eq!(throttle.begin(&client, now - 1), Err(1));
            assert_eq!(throttle.begin(&client, now), Ok(()));
        }
    }
    let expected = [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900];
    assert_eq!(waits, expected);
    // Others, and other names, do not wait.
    assert_eq!(throttle.begin(&from("203.0.113.8"), now), Ok(()));
    assert_eq!(throttle.begin(&Attempt { name: [2; 32], ..client }, now), Ok(()));
    assert_eq!(throttle.begin(&attempt(Visitor::Device([9; 32])), now), Ok(()));
    // Forgotten after a day without a try.
    assert_eq!(throttle.begin(&client, now + QUIET_SECONDS), Ok(()));
    assert_eq!(throttle.begin(&client, now + QUIET_SECONDS), Err(900));
    let later = now + QUIET_SECONDS + QUIET_SECONDS + 1;
    assert_eq!(throttle.begin(&client, later), Ok(()));
    assert_eq!(throttle.begin(&client, later), Ok(()));
}

#[test]
fn a_botnet_has_at_most_100_tries_for_an_account_in_any_hour() {
    let (mut throttle, mut now) = (Throttle::default(), 1000);
    let mut times = Vec::new();
    for bot in 0..200_000_u32 {
        let address = IpAddr::V4((0x0100_0000 + bot * 256).into());
        match throttle.begin(&attempt(Visitor::Client(address)), now) {
            Ok(()) => times.push(now),
            Err(_) => now += 1,
        }
        if now > 1000 + 5 * HOUR {
            break;
        }
    }
    let most =
        times.iter().map(|from| times.iter().filter(|t| (*from..from + HOUR).contains(t)).count());
    assert!(most.max().is_some_and(|most| (95..=100).contains(&most)), "{times:?}");
    assert!(throttle.begin(&attempt(Visitor::Anyone), now).is_err());
    assert_eq!(throttle.begin(&attempt(Visitor::Device([9; 32])), now), Ok(()), "a known device");
    assert_eq!(throttle.begin(&Attempt { name: [2; 32], ..from("198.51.100.1") }, now), Ok(()));
}

#[test]
fn one_attacker_cannot_use_up_the_tries_of_an_account() {
    for attacker in ["203.0.113.7", "2001:db8:1:2::7"] {
        let (mut throttle, mut now) = (Throttle::default(), 1000);
        let tries = tries_until(&mut throttle, &from(attacker), &mut now, 1000 + HOUR);
        assert!((15..20).contains(&tries), "{tries}");
        assert_eq!(throttle.begin(&from("198.51.100.1"), now), Ok(()));
    }
    // With all networks of a site.
    let (mut throttle, mut now, mut tries) = (Throttle::default(), 1000, 0);
    while now < 1000 + 5 * HOUR {
        for network in 0..64_u128 {
            let address = 0x2001_0db8_0001_0000_0000_0000_0000_0007_u128 + (network << 64);
            let attacker = attempt(Visitor::Client(IpAddr::V6(address.into())));
            tries += u32::from(throttle.begin(&attacker, now).is_ok());
        }
        assert_eq!(throttle.begin(&from("198.51.100.1"), now), Ok(()), "{now}: {tries}");
        throttle.succeeded(&from("198.51.100.1"));
        now += 60;
    }
    assert!((100..=120).contains(&tries), "{tries}");
}

#[test]
fn one_client_has_a_limit_across_names() {
    let mut throttle = Throttle::default();
    let client = |name: u8| Attempt { name: [name; 32], exists: false, ..from("203.0.113.7") };
    for name in 0..100 {
        assert_eq!(throttle.begin(&client(name), 1000), Ok(()));
    }
    assert_eq!(throttle.begin(&client(100), 1000), Err(9));
    assert_eq!(throttle.begin(&from("203.0.113.8"), 1000), Ok(()));
    assert_eq!(throttle.begin(&attempt(Visitor::Device([9; 32])), 1000), Ok(()));
    assert_eq!(throttle.begin(&client(100), 1009), Ok(()));
}

#[test]
fn signing_in_with_two_steps_costs_nothing() {
    for visitor in [
        Visitor::Anyone,
        Visitor::Device([9; 32]),
        Visitor::Client("203.0.113.7".parse().expect("an address")),
    ] {
        let (mut throttle, person) = (Throttle::default(), attempt(visitor));
        for _ in 0..300 {
            assert_eq!(throttle.begin(&person, 1000), Ok(()), "the password");
            assert_eq!(throttle.begin(&person, 1000), Ok(()), "and the code");
            throttle.succeeded(&person);
        }
    }
}

#[test]
fn unlocking_forgets_the_tries_of_the_account_alone() {
    let at = |text: &str| Some(Timestamp::parse_rfc3339(text).expect("a time"));
    let mut throttle = Throttle::default();
    let device = attempt(Visitor::Device([9; 32]));
    let other = Attempt { name: [2; 32], ..device };
    for tried in [device, from("203.0.113.7"), other] {
        while throttle.begin(&tried, 1000).is_ok() {}
    }
    while throttle.begin(&attempt(Visitor::Anyone), 1000).is_ok() {}
    let unlocked = at("2026-03-02T08:00:00Z");
    for tried in [device, from("203.0.113.7"), attempt(Visitor::Anyone)] {
        assert_eq!(throttle.begin(&Attempt { unlocked, ..tried }, 1000), Ok(()));
    }
    assert!(throttle.begin(&other, 1000).is_err());
    // Once: what comes after counts.
    while throttle.begin(&Attempt { unlocked, ..device }, 1000).is_ok() {}
    assert_eq!(throttle.begin(&Attempt { unlocked, ..device }, 1000), Err(1));
    let again = at("2026-03-02T08:00:01Z");
    assert_eq!(throttle.begin(&Attempt { unlocked: again, ..device }, 1000), Ok(()));
}
