// Package session runs a model over cases as robot users would: prompt, look
// at the prediction, prompt again. A run is a folder: run.json says what is
// run, steps.jsonl has one line for every step, in the order of the plan and
// the same bytes whatever the number of goroutines; timings.jsonl and
// finals.jsonl hold what does not belong there.
//
// A run that was killed is resumed where its records end; shards of a run, in
// any order, merge to the bytes of the whole.
package session
