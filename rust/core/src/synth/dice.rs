//! Randomness that is the same on every platform: PCG and exact arithmetic only.
//!
//! `ln` and `exp` differ in the last bit between math libraries, and a last bit becomes another tape; nothing here needs them.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A stream of random draws.
pub(super) struct Dice(Pcg64Mcg);

impl Dice {
    /// The stream numbered `stream` of a seed.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        // The golden ratio spreads neighbouring streams over the seeds, so that stream 1 of seed 7 is not stream 0 of seed 8.
        Self(Pcg64Mcg::seed_from_u64(seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// Uniform in [0, 1), on the grid of 2^-53.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in [0, bound); 0 where the bound is.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Exponential with mean 1, by von Neumann's comparison of uniforms: a first uniform is kept when the descending
    /// run that it begins has odd length, which happens with probability e^-x.
    pub(super) fn exponential(&mut self) -> f64 {
        let mut whole = 0.0;
        loop {
            let first = self.unit();
            let mut last = first;
            let mut odd = true;
            loop {
                let next = self.unit();
                if next >= last {
                    break;
                }
                last = next;
                odd = !odd;
            }
            if odd {
                return whole + first;
            }
            whole += 1.0;
        }
    }

    /// Exponential with a mean, rounded down to a whole number.
    pub(super) fn whole_exponential(&mut self, mean: f64) -> u64 {
        (self.exponential() * mean) as u64
    }

    /// Bell-shaped with mean 0 and variance 1: four uniforms are near enough to a normal here.
    pub(super) fn bell(&mut self) -> f64 {
        // A uniform has variance 1/12, so four of them have 1/3: times the square root of 3.
        const SCALE: f64 = 1.732_050_807_568_877_2;
        (self.unit() + self.unit() + self.unit() + self.unit() - 2.0) * SCALE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_has_mean_and_variance_one() {
        let mut dice = Dice::new(1, 0);
        let draws: Vec<f64> = (0..200_000).map(|_| dice.exponential()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / draws.len() as f64;
        assert!((mean - 1.0).abs() < 0.01, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.03, "variance {variance}");
    }

    #[test]
    fn draws_below_a_bound_reach_all_of_it_and_no_more() {
        let mut dice = Dice::new(1, 0);
        let mut seen = [false; 5];
        for _ in 0..1_000 {
            seen[dice.below(5) as usize] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(dice.below(0), 0);
    }

    #[test]
    fn streams_of_one_seed_differ() {
        let first: Vec<u64> = (0..4).map(|stream| Dice::new(7, stream).below(u64::MAX)).collect();
        assert!(first.windows(2).all(|pair| pair[0] != pair[1]), "{first:?}");
    }
}
