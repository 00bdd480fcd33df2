//! Rows into columns: Arrow arrays from the bytes of DBN records.

use std::sync::Arc;

use arrow_array::types::Decimal128Type;
use arrow_array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, PrimitiveArray, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use booktape_core::derive::{Column, Kind};
use booktape_core::export::field;
use booktape_core::types::{Nanos, Price};

/// The digits of the largest price, of which nine follow the point.
const DIGITS: u8 = 19;
const DECIMALS: i8 = 9;
/// Rows taken at a time: all their columns are read while they are in the cache.
const TILE: usize = 128;
const SYMBOL: &str = "symbol";
const UTC: &str = "UTC";

/// How prices are shown. There being none is null in every form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prices {
    /// 64-bit floats.
    Float,
    /// Integers in units of 1e-9.
    Int,
    /// Decimals of nine places.
    Decimal,
}

/// Which columns there are.
#[derive(Clone, Debug)]
pub struct Table {
    layout: &'static [Column],
    row_size: usize,
    prices: Prices,
    with_symbols: bool,
    schema: SchemaRef,
}

impl Table {
    /// The columns of a layout, and symbols behind them if wanted.
    pub fn new(layout: &'static [Column], row_size: usize, prices: Prices, with_symbols: bool) -> Self {
        let mut fields: Vec<Field> = layout
            .iter()
            .map(|column| {
                let is_nullable = matches!(column.kind, Kind::Price | Kind::Time);
                Field::new(column.name, data_type(column.kind, prices), is_nullable)
            })
            .collect();
        if with_symbols {
            fields.push(Field::new(SYMBOL, DataType::Utf8, true));
        }
        let schema = Arc::new(Schema::new(fields));
        Self { layout, row_size, prices, with_symbols, schema }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// An empty batch to be filled, with room for so many rows.
    pub fn batch(&self, rows: usize) -> Batch<'_> {
        let make = |column: &Column| Values::new(column.kind, self.prices, rows);
        Batch {
            table: self,
            rows: 0,
            columns: self.layout.iter().map(make).collect(),
            symbols: self.with_symbols.then(|| Texts::new(rows)),
        }
    }
}

fn data_type(kind: Kind, prices: Prices) -> DataType {
    match (kind, prices) {
        (Kind::U8 | Kind::Flags, _) => DataType::UInt8,
        (Kind::U16, _) => DataType::UInt16,
        (Kind::U32, _) => DataType::UInt32,
        (Kind::I32, _) => DataType::Int32,
        (Kind::U64, _) => DataType::UInt64,
        (Kind::Char, _) => DataType::Utf8,
        (Kind::Time, _) => DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into())),
        (Kind::Price, Prices::Float) => DataType::Float64,
        (Kind::Price, Prices::Int) => DataType::Int64,
        (Kind::Price, Prices::Decimal) => DataType::Decimal128(DIGITS, DECIMALS),
    }
}

/// A batch in the making.
pub struct Batch<'a> {
    table: &'a Table,
    rows: usize,
    columns: Vec<Values>,
    symbols: Option<Texts>,
}

impl Batch<'_> {
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Adds rows.
    pub fn add<'n>(&mut self, rows: &[u8], symbol: impl Fn(&[u8]) -> Option<&'n str>) {
        let size = self.table.row_size;
        for tile in rows.chunks(TILE * size) {
            for (column, values) in self.table.layout.iter().zip(&mut self.columns) {
                values.add(tile, size, column.offset);
            }
            if let Some(symbols) = &mut self.symbols {
                tile.chunks_exact(size).for_each(|row| symbols.add(symbol(row)));
            }
        }
        self.rows += rows.len() / size;
    }

    pub fn finish(self) -> Result<RecordBatch, ArrowError> {
        let mut arrays = Vec::with_capacity(self.columns.len() + 1);
        for values in self.columns {
            arrays.push(values.finish()?);
        }
        if let Some(symbols) = self.symbols {
            arrays.push(symbols.finish()?);
        }
        RecordBatch::try_new(Arc::clone(&self.table.schema), arrays)
    }
}

/// The values of one column.
enum Values {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    Time(Vec<i64>, NullBufferBuilder),
    Float(Vec<f64>, NullBufferBuilder),
    Int(Vec<i64>, NullBufferBuilder),
    Decimal(Vec<i128>, NullBufferBuilder),
    Char(Texts),
}

impl Values {
    fn new(kind: Kind, prices: Prices, rows: usize) -> Self {
        let valid = || NullBufferBuilder::new(rows);
        match (kind, prices) {
            (Kind::U8 | Kind::Flags, _) => Self::U8(Vec::with_capacity(rows)),
            (Kind::U16, _) => Self::U16(Vec::with_capacity(rows)),
            (Kind::U32, _) => Self::U32(Vec::with_capacity(rows)),
            (Kind::I32, _) => Self::I32(Vec::with_capacity(rows)),
            (Kind::U64, _) => Self::U64(Vec::with_capacity(rows)),
            (Kind::Char, _) => Self::Char(Texts::new(rows)),
            (Kind::Time, _) => Self::Time(Vec::with_capacity(rows), valid()),
            (Kind::Price, Prices::Float) => Self::Float(Vec::with_capacity(rows), valid()),
            (Kind::Price, Prices::Int) => Self::Int(Vec::with_capacity(rows), valid()),
            (Kind::Price, Prices::Decimal) => Self::Decimal(Vec::with_capacity(rows), valid()),
        }
    }

    fn add(&mut self, rows: &[u8], size: usize, at: usize) {
        let rows = rows.chunks_exact(size);
        let prices = rows.clone().map(|row| {
            let price = i64::from_le_bytes(field(row, at));
            (price != Price::UNDEF.0).then_some(price)
        });
        match self {
            Self::U8(values) => values.extend(rows.map(|row| u8::from_le_bytes(field(row, at)))),
            Self::U16(values) => values.extend(rows.map(|row| u16::from_le_bytes(field(row, at)))),
            Self::U32(values) => values.extend(rows.map(|row| u32::from_le_bytes(field(row, at)))),
            Self::I32(values) => values.extend(rows.map(|row| i32::from_le_bytes(field(row, at)))),
            Self::U64(values) => values.extend(rows.map(|row| u64::from_le_bytes(field(row, at)))),
            Self::Time(values, valid) => {
                // Arrow's times are signed: those after the year 2262 do not fit, and are none.
                let times = rows.map(|row| Nanos(u64::from_le_bytes(field(row, at))));
                add_some(values, valid, times.map(|ts| i64::try_from(ts.0).ok()));
            }
            Self::Float(values, valid) => {
                add_some(values, valid, prices.map(|price| price.map(|price| price as f64 / 1e9)));
            }
            Self::Int(values, valid) => add_some(values, valid, prices),
            Self::Decimal(values, valid) => {
                add_some(values, valid, prices.map(|price| price.map(i128::from)));
            }
            Self::Char(texts) => {
                for row in rows {
                    let letter: [u8; 1] = field(row, at);
                    // Codes that are no letters are for the audit to tell of; here they are empty.
                    let text = std::str::from_utf8(&letter).ok().filter(|text| *text != "\0");
                    texts.add(Some(text.unwrap_or_default()));
                }
            }
        }
    }

    fn finish(self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::U8(values) => Arc::new(UInt8Array::from(values)),
            Self::U16(values) => Arc::new(UInt16Array::from(values)),
            Self::U32(values) => Arc::new(UInt32Array::from(values)),
            Self::I32(values) => Arc::new(Int32Array::from(values)),
            Self::U64(values) => Arc::new(UInt64Array::from(values)),
            Self::Time(values, mut valid) => {
                Arc::new(TimestampNanosecondArray::try_new(values.into(), valid.finish())?.with_timezone(UTC))
            }
            Self::Float(values, mut valid) => Arc::new(Float64Array::try_new(values.into(), valid.finish())?),
            Self::Int(values, mut valid) => Arc::new(Int64Array::try_new(values.into(), valid.finish())?),
            Self::Decimal(values, mut valid) => Arc::new(
                PrimitiveArray::<Decimal128Type>::try_new(values.into(), valid.finish())?
                    .with_precision_and_scale(DIGITS, DECIMALS)?,
            ),
            Self::Char(texts) => texts.finish()?,
        })
    }
}

/// Adds values, and whether there is one.
fn add_some<T: Default>(
    values: &mut Vec<T>,
    valid: &mut NullBufferBuilder,
    found: impl Iterator<Item = Option<T>>,
) {
    for value in found {
        valid.append(value.is_some());
        values.push(value.unwrap_or_default());
    }
}

/// A column of texts.
struct Texts {
    ends: Vec<i32>,
    bytes: Vec<u8>,
    valid: NullBufferBuilder,
}

impl Texts {
    fn new(rows: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self { ends, bytes: Vec::with_capacity(rows), valid: NullBufferBuilder::new(rows) }
    }

    #[inline]
    fn add(&mut self, text: Option<&str>) {
        self.valid.append(text.is_some());
        self.bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
        // A batch's texts are short and few. Were their bytes ever 2 GiB, `finish` would refuse them.
        self.ends.push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
    }

    fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        let texts = StringArray::try_new(offsets, Buffer::from_vec(self.bytes), self.valid.finish())?;
        Ok(Arc::new(texts))
    }
}
