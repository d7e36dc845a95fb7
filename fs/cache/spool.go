package cache

// spool is a payload too large to be kept: it lives in its stage while it is
// open, and until the next such payload comes, so that a reader who opens it
// for every read does not convert it for every read.
type spool struct {
	stage *stage
	rec   *record
	refs  int // guarded by Cache.mu
}

// release gives up one reference. The caller holds Cache.mu.
func (s *spool) release() {
	if s.refs--; s.refs == 0 {
		s.stage.close()
	}
}

// keep makes s findable and takes the place of the one kept before. The caller
// holds mu.
func (c *Cache) keep(k Key, s *spool) {
	if c.closed {
		if s.refs == 0 {
			s.stage.close()
		}
		return
	}
	c.unkeep()
	s.refs++
	c.spools[k] = s
	c.kept = s
}

// unkeep lets the kept spool go once nobody has it open. The caller holds mu.
func (c *Cache) unkeep() {
	s := c.kept
	if s == nil {
		return
	}
	c.kept = nil
	if s.refs == 1 {
		c.unname(s)
	}
	s.release()
}

// unname takes s out of the index. The caller holds mu.
func (c *Cache) unname(s *spool) {
	for k, v := range c.spools {
		if v == s {
			delete(c.spools, k)
		}
	}
}

// releaseSpool is Payload.Close.
func (c *Cache) releaseSpool(s *spool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.refs == 1 {
		c.unname(s)
	}
	s.release()
}

// dropSpools lets go of what nobody has open.
func (c *Cache) dropSpools() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unkeep()
}

// spooled returns the bytes of unnamed files that serve as payloads.
func (c *Cache) spooled() (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spools {
		n += s.stage.onDisk()
	}
	return n
}
