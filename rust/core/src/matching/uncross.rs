//! The indicative auction: one price at which the overlapping part would trade.
//!
//! The rules are those CME publishes for its indicative opening price: among limit prices in the overlap the most
//! executable size; then the least left over; then, if all that is left over is on the bid side the highest price, on the
//! ask side the lowest; then nearest the reference price. Hidden quantity is unknown, so this is an estimate.

use crate::book::{Book, LevelView};
use crate::types::{Price, Side};

/// The indicative result of an auction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Uncross {
    /// Indicative price.
    pub price: Price,
    /// Quantity that would trade.
    pub size: u64,
    /// Quantity left over at that price.
    pub imbalance: u64,
    /// The side with quantity left over.
    pub side: Option<Side>,
}

/// One candidate: a limit price, and what would buy and sell at it.
#[derive(Clone, Copy)]
struct Candidate {
    price: Price,
    bought: u64,
    sold: u64,
}

impl Candidate {
    fn executable(&self) -> u64 {
        self.bought.min(self.sold)
    }

    fn left_over(&self) -> u64 {
        self.bought.abs_diff(self.sold)
    }
}

/// The indicative auction result, or `None` unless the book is locked or crossed.
///
/// `reference` is the prior settlement or the last trade; the middle of the best prices where there is neither.
#[must_use]
pub fn uncross(book: &Book, reference: Option<Price>) -> Option<Uncross> {
    let (bid, ask) = (book.best(Side::Bid)?.price, book.best(Side::Ask)?.price);
    if bid < ask {
        return None;
    }
    let mut candidates = candidates(book, bid, ask);
    let most = candidates.iter().map(Candidate::executable).max()?;
    candidates.retain(|candidate| candidate.executable() == most);
    let least = candidates.iter().map(Candidate::left_over).min()?;
    candidates.retain(|candidate| candidate.left_over() == least);
    let chosen = if candidates.iter().all(|candidate| candidate.bought > candidate.sold) {
        candidates.last()?
    } else if candidates.iter().all(|candidate| candidate.bought < candidate.sold) {
        candidates.first()?
    } else {
        // Twice the prices, so that the middle needs no rounding; of two equally near the lower comes first.
        let reference =
            reference.map_or(i128::from(bid.0) + i128::from(ask.0), |reference| 2 * i128::from(reference.0));
        candidates.iter().min_by_key(|candidate| (2 * i128::from(candidate.price.0) - reference).abs())?
    };
    Some(Uncross {
        price: chosen.price,
        size: chosen.executable(),
        imbalance: chosen.left_over(),
        side: match chosen.bought.cmp(&chosen.sold) {
            std::cmp::Ordering::Greater => Some(Side::Bid),
            std::cmp::Ordering::Less => Some(Side::Ask),
            std::cmp::Ordering::Equal => None,
        },
    })
}

/// Every limit price in the overlap, ascending, with the quantity that would trade at it or better.
fn candidates(book: &Book, bid: Price, ask: Price) -> Vec<Candidate> {
    let mut asks = book.levels(Side::Ask).take_while(|level| level.price <= bid).peekable();
    let mut bids: Vec<LevelView> = book.levels(Side::Bid).take_while(|level| level.price >= ask).collect();
    bids.reverse();
    let mut bought: u64 = bids.iter().map(|level| level.size).sum();
    let mut sold = 0;
    let mut bids = bids.into_iter().peekable();
    let mut candidates = Vec::new();
    while let Some(price) = lowest(bids.peek(), asks.peek()) {
        let offered = asks.next_if(|level| level.price == price).map_or(0, |level| level.size);
        let wanted = bids.next_if(|level| level.price == price).map_or(0, |level| level.size);
        sold += offered;
        candidates.push(Candidate { price, bought, sold });
        bought -= wanted;
    }
    candidates
}

fn lowest(bid: Option<&LevelView>, ask: Option<&LevelView>) -> Option<Price> {
    bid.map(|level| level.price).into_iter().chain(ask.map(|level| level.price)).min()
}
