// Package report turns the records of a run into what people read: tables
// (CSV, Parquet), curves with confidence bands, histograms, and pictures of
// the worst cases with the prompts drawn on them.
//
// Tables hang on the records alone, so that a merged run has the same bytes as
// one made in one go. Times are reported apart.
package report
