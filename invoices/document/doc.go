// Package document knows what an invoice says: its draft as a client sends it,
// the rules the draft must keep, its totals, and how its number is printed. It
// is pure: it knows no database, no clock of its own and no HTTP.
//
// Start with [Complete], which takes a [Draft] as it was sent and returns it
// with defaults filled in, together with its [Totals], or an [InvalidError]
// that names every bad field. [ParseFormat] and [PeriodRule] print numbers and
// say when they begin anew; [Digest] tells whether two requests are the same.
//
// # Rounding
//
// Every amount is rounded to the minor unit of the currency, half away from
// zero, at these steps and at no others:
//
//  1. A line's product is round(quantity × unit price).
//  2. A line's discount is round(product × percent / 100) or round(amount). The
//     percentage is of the rounded product; discounts are not chained.
//  3. A line's net is its product less its discounts.
//  4. A discount or charge of the document is round(sum of line nets × percent
//     / 100) or round(amount); these, too, are not chained. It goes to the base
//     of its own category and rate, even if no line has that one.
//  5. The tax of a category and rate is round(base × rate / 100), where the base
//     is the sum of the nets of its lines less its discounts plus its charges.
//
// The document's net is the sum of the bases, its tax the sum of the taxes, and
// its gross the sum of both. Rates are compared by value, so 21 and 21.0 share
// one base, which bears the rate as it was written first.
//
// # Names and rules of EN 16931
//
// The fields and the tax categories are those of EN 16931. Of its business rules
// only those named at [Complete] are enforced: quantities, prices and amounts
// may be negative, categories may be mixed, reasons may be missing.
package document
