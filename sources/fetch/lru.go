package fetch

// blockKey is a block of a file; index wholeFile is all of a file whose server
// has no ranges.
type blockKey struct {
	file  [16]byte
	index int64
}

const wholeFile = -1

// lru is a cache bounded by bytes. Cold entries, those of a long sequential
// read, go to the end that is evicted first and stay there: a file that is
// streamed through evicts itself and not what others come back for.
type lru struct {
	limit, used int64
	m           map[blockKey]*entry
	root        entry // root.next is the hottest, root.prev the coldest
}

type entry struct {
	key        blockKey
	data       []byte
	cold       bool
	prev, next *entry
}

func (l *lru) get(k blockKey) []byte {
	e := l.m[k]
	if e == nil {
		return nil
	}
	if !e.cold {
		e.unlink()
		l.insert(e)
	}
	return e.data
}

func (l *lru) put(k blockKey, data []byte, cold bool) {
	if old := l.m[k]; old != nil {
		l.remove(old)
	}
	n := int64(len(data))
	if n > l.limit {
		return
	}
	for l.used+n > l.limit {
		l.remove(l.root.prev)
	}
	e := &entry{key: k, data: data, cold: cold}
	l.m[k] = e
	l.used += n
	l.insert(e)
}

func (l *lru) remove(e *entry) {
	e.unlink()
	delete(l.m, e.key)
	l.used -= int64(len(e.data))
}

func (l *lru) insert(e *entry) {
	if l.root.next == nil {
		l.root.next, l.root.prev = &l.root, &l.root
	}
	at := &l.root
	if e.cold {
		at = l.root.prev
	}
	e.prev, e.next = at, at.next
	e.prev.next, e.next.prev = e, e
}

func (e *entry) unlink() { e.prev.next, e.next.prev = e.next, e.prev }
