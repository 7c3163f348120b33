//! Record batches: header view, validation, reading and building, compression.
