//! What is traded: futures with the tick sizes, price levels and temper of real ones.

/// The parameters of one instrument.
pub(super) struct Instrument {
    /// Its id on the tape.
    pub(super) id: u32,
    /// Its raw symbol.
    pub(super) symbol: String,
    /// The venue's channel that carries it; expiries of one product share it.
    pub(super) channel: u8,
    /// Smallest price step, in units of 1e-9.
    pub(super) tick: i64,
    /// Where its price starts and returns to, in ticks.
    pub(super) anchor: i64,
    /// Its usual spread, in ticks.
    pub(super) spread: i64,
    /// Mean size of the orders that are larger than one lot.
    pub(super) lots: f64,
    /// How busy it is, as a factor of the mean rate.
    pub(super) activity: f64,
    /// How many orders rest in its book, as a factor of the mean.
    pub(super) crowd: f64,
}

/// Root and channel, then tick, anchor, spread, lots, activity and crowd of the front month, as in [`Instrument`].
type Product = (&'static str, u8, i64, i64, i64, f64, f64, f64);

#[rustfmt::skip]
const PRODUCTS: [Product; 16] = [
    ("ES", 54,   250_000_000, 27_600, 1,  3.0, 1.8, 1.2),
    ("CL", 26,    10_000_000,  5_750, 1,  2.0, 1.0, 0.9),
    ("NQ", 54,   250_000_000, 101_200, 2, 1.5, 1.4, 0.8),
    ("ZN", 78,    15_625_000,  7_204, 1, 20.0, 0.8, 1.1),
    ("GC", 30,   100_000_000, 44_500, 2,  2.0, 1.1, 1.0),
    ("6E", 16,        50_000, 23_480, 1,  4.0, 0.7, 0.9),
    ("NG", 26,     1_000_000,  3_420, 2,  2.0, 0.9, 1.0),
    ("ZB", 78,    31_250_000,  3_696, 1,  8.0, 0.6, 1.0),
    ("SI", 30,     5_000_000, 15_120, 2,  1.5, 0.8, 0.9),
    ("YM", 54, 1_000_000_000, 48_900, 2,  1.5, 0.9, 0.8),
    ("RTY", 54,  100_000_000, 25_300, 2,  2.0, 0.9, 0.9),
    ("HG", 30,       500_000, 11_300, 2,  2.0, 0.6, 0.9),
    ("ZC", 62,   250_000_000,  1_780, 1,  6.0, 0.5, 1.1),
    ("ZS", 62,   250_000_000,  4_190, 1,  4.0, 0.6, 1.0),
    ("6J", 16,           500, 12_860, 1,  4.0, 0.6, 0.9),
    ("ZF", 78,     7_812_500, 14_010, 1, 16.0, 0.6, 1.1),
];

/// The instrument at a place in the listing: the front month of every product first, then the quarters after it.
pub(super) fn listed(place: u32) -> Instrument {
    let products = PRODUCTS.len() as u32;
    let quarter = place / products;
    let (root, channel, tick, anchor, spread, lots, activity, crowd) = PRODUCTS[(place % products) as usize];
    let month = ["H", "M", "U", "Z"][(quarter % 4) as usize];
    // Later expiries are quieter and thinner, and cost a little more.
    let fade = 1.0 / f64::from(1 + quarter.min(3));
    Instrument {
        id: 118_000 + 97 * place,
        symbol: format!("{root}{month}{}", 6 + quarter / 4),
        channel,
        tick,
        anchor: anchor + i64::from(quarter) * (anchor / 200),
        spread: spread + i64::from(quarter.min(3)),
        lots,
        activity: activity * fade,
        crowd: crowd * fade.max(0.5),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_and_symbols_are_unique() {
        let all: Vec<Instrument> = (0..2_000).map(listed).collect();
        assert_eq!(all.iter().map(|one| one.id).collect::<HashSet<_>>().len(), all.len());
        assert_eq!(all.iter().map(|one| one.symbol.as_str()).collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn prices_leave_room_to_move_above_zero() {
        assert!((0..64).map(listed).all(|one| one.anchor > 1_500));
    }
}
