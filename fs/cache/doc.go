// Package cache keeps what was converted once: payloads in chunks, in Badger
// generations of which the oldest is removed whole when the byte limit is
// reached, and small facts, kept for ever, in a Badger of their own.
//
// The contract that the rest of the Data layer builds on:
//
//	type Key [32]byte                  // hash of recipe, converter version, case and part
//	type Layout struct{ Row, Elem int } // bytes a row (delta stride) and a sample; 0,0 for plain bytes
//
//	Open(ctx, dir, Options) (*Cache, error)       // one process a folder; *HeldError names the holder
//	(*Cache) Get(ctx, Key) (*Payload, error)      // ErrMiss; a damaged chunk is found when it is read
//	(*Cache) Fill(ctx, Key, fill func(ctx, *Writer) error) (*Payload, error)
//	     once among callers, all or nothing; the work belongs to the cache, not to
//	     the caller: a caller whose ctx ends leaves, the fill goes on
//	(*Writer) Layout(Layout); Write(p); SetMeta([]byte)   // meta is committed with the payload
//	(*Payload) blob.Blob; Meta() []byte
//	(*Cache) Facts() blob.Facts                   // never evicted
//	(*Cache) Stats() Stats; Trim(ctx, bytes) error; Clear(ctx) error; Close() error
package cache
