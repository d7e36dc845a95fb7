// Package cache keeps what was converted once: payloads in chunks, in Badger
// generations of which the oldest is removed whole when the byte limit is
// reached, and small facts, kept for ever, in a Badger of their own.
//
// The contract that the rest of the Data layer builds on:
//
//	type Key [32]byte                            // hash of recipe, converter version, case and part
//	type Layout struct{ Row, Elem, Channels int } // bytes a row and a sample, samples a pixel; 0 for plain bytes
//
//	Open(ctx, dir, Options) (*Cache, error)       // one process a folder; *HeldError names the holder
//	(*Cache) Get(ctx, Key) (*Payload, error)      // ErrMiss; a damaged chunk is found when it is read
//	(*Cache) Fill(ctx, Key, fill func(ctx, *Writer) error) (*Payload, error)
//	     once among callers, all or nothing; the work belongs to the cache, not to
//	     the caller: a caller whose ctx ends leaves, the fill goes on
//	(*Cache) Drop(Key); Has(Key) bool; Meta(Key) ([]byte, bool)
//	(*Writer) Layout(Layout); Write(p); SetMeta([]byte)   // meta is committed with the payload
//	(*Payload) blob.Blob; Meta() []byte           // ReadAt: ErrDamaged, ErrEvicted: Fill again
//	(*Cache) Facts() *Facts                       // a blob.Facts, never evicted
//	(*Cache) Raw() *Raw                           // blocks of remote files, the first to go
//	(*Cache) Stats() Stats; Trim(ctx, bytes) error; Clear(ctx) error; Close() error
//
// On disk a cache is a folder:
//
//	LOCK         held with flock while the cache is open; names the holder
//	FORMAT       version of everything below
//	facts/       Badger: facts and the metadata of every payload ever kept
//	gen-000001/  Badger: one generation of payloads, the highest number written to
//	raw-000001/  Badger: one generation of raw blocks, of those who keep them
//
// A payload is staged before it is written to its generation (in memory while
// small, then in a file without a name), so an aborted fill costs nothing, its
// encoded size is known before room is made for it, and one generation holds
// all of it. Its record is written after its chunks and names them by a serial
// number: a crash between leaves chunks that nothing names.
package cache
