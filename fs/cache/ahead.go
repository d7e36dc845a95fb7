package cache

// aheadJob asks for a chunk to be decoded before it is read.
type aheadJob struct {
	at *place
	i  int
}

// lookAheadChunks is how many chunks after the last one read are decoded ahead
// when reads follow each other: decoding takes longer than reading.
const lookAheadChunks = 2

// lookAhead asks for chunks that are read now but not first, and for the next
// ones when this read, of chunks first to last, follows the one before.
func (p *Payload) lookAhead(at *place, first, last int) {
	next := int(p.next.Swap(int64(last + 1)))
	end := last + 1
	if first == next || first == next-1 {
		end += lookAheadChunks
	} else {
		p.asked.Store(0)
	}
	end = min(end, at.rec.chunks())
	from := max(first+1, int(p.asked.Load()))
	if from >= end {
		return
	}
	p.asked.Store(int64(end))
	for i := from; i < end; i++ {
		select {
		case p.c.ahead <- aheadJob{at, i}:
		default: // all are busy: who reads will decode it
			return
		}
	}
}

// readAhead is one of the workers that decode ahead.
func (c *Cache) readAhead() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case j := <-c.ahead:
			c.blocks.load(j.at, j.i)
		}
	}
}
