//! Looking at one in so many.

/// One in so many.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    every: u64,
    left: u64,
}

impl Sample {
    /// Connections that are sent the same begin at different places, so that together they look at everything.
    #[must_use]
    pub fn new(every: u64, connection: usize) -> Self {
        let every = every.max(1);
        Self { every, left: connection as u64 % every }
    }

    /// Whether the next is one of them.
    pub const fn takes(&mut self) -> bool {
        let takes = self.left == 0;
        self.left = if takes { self.every - 1 } else { self.left - 1 };
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::Sample;

    #[test]
    fn a_sample_is_spread_over_connections() {
        let taken = |connection| {
            let mut sample = Sample::new(3, connection);
            (0..7).map(|_| u8::from(sample.takes())).collect::<Vec<_>>()
        };
        assert_eq!(taken(0), [1, 0, 0, 1, 0, 0, 1]);
        assert_eq!(taken(1), [0, 1, 0, 0, 1, 0, 0]);
        assert_eq!(taken(5), [0, 0, 1, 0, 0, 1, 0]);
    }
}
