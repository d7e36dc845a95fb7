package fs

import "sync/atomic"

// Counters tells how often the kernel asked for what since the mount began. In
// a warm epoch none of them grows but Ioctl (Python asks each file that it
// opens whether it is a terminal, and the kernel has no way to be told that
// none ever is).
type Counters struct {
	Lookup, GetAttr, Readlink     int64
	Open, Read, Flush             int64
	OpenDir, ReadDir, ReadDirPlus int64
	GetXAttr, ListXAttr           int64
	StatFs, Ioctl, Forget         int64
	ReadBytes                     int64 // bytes handed to the kernel
	HeaderAhead                   int64 // sizes looked up before anybody asked
	FilesAhead                    int64 // cached files decoded before anybody read them
	Errors, Interrupts            int64
}

type counters struct {
	lookup, getAttr, readlink     atomic.Int64
	open, read, flush             atomic.Int64
	openDir, readDir, readDirPlus atomic.Int64
	getXAttr, listXAttr           atomic.Int64
	statFs, ioctl, forget         atomic.Int64
	readBytes, headerAhead        atomic.Int64
	filesAhead                    atomic.Int64
	errors, interrupts            atomic.Int64
}

func (c *counters) load() Counters {
	return Counters{
		Lookup: c.lookup.Load(), GetAttr: c.getAttr.Load(), Readlink: c.readlink.Load(),
		Open: c.open.Load(), Read: c.read.Load(), Flush: c.flush.Load(),
		OpenDir: c.openDir.Load(), ReadDir: c.readDir.Load(), ReadDirPlus: c.readDirPlus.Load(),
		GetXAttr: c.getXAttr.Load(), ListXAttr: c.listXAttr.Load(),
		StatFs: c.statFs.Load(), Ioctl: c.ioctl.Load(), Forget: c.forget.Load(),
		ReadBytes: c.readBytes.Load(), HeaderAhead: c.headerAhead.Load(),
		FilesAhead: c.filesAhead.Load(),
		Errors:     c.errors.Load(), Interrupts: c.interrupts.Load(),
	}
}
