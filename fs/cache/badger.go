package cache

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// badgerOptions are what every Badger here has in common: no compression (what
// is stored is compressed already), no block cache, no waiting for the disk
// (process death loses nothing; checksums catch the rest).
func badgerOptions(dir string, log *slog.Logger) badger.Options {
	o := badger.DefaultOptions(dir)
	o.Logger = badgerLog{log}
	o.MetricsEnabled = false
	o.SyncWrites = false
	o.DetectConflicts = false
	o.Compression = options.None
	o.BlockCacheSize = 0
	o.IndexCacheSize = 0
	o.NumGoroutines = 1
	o.NumMemtables = 2
	// One process a folder is LOCK's task; Badger's own pid files would outlive
	// a kill.
	o.BypassLockGuard = true
	return o
}

// generationOptions hold payloads: what is over 1 KiB goes to the value log, so
// a memtable sees about 100 bytes a chunk and 2 MiB of it (which is memory for
// every open generation) last for 20,000. Nothing is ever deleted but whole
// generations: no compactors.
func generationOptions(dir string, target int64, log *slog.Logger) badger.Options {
	o := badgerOptions(dir, log)
	o.ValueThreshold = 1 << 10
	o.MemTableSize = 2 << 20
	o.NumCompactors = 0
	o.NumLevelZeroTables = 1 << 20
	o.NumLevelZeroTablesStall = 1 << 21
	// Badger maps twice this much, sparse; the value log of a generation is one
	// file where that fits.
	o.ValueLogFileSize = min(max(target, 16<<20), 512<<20)
	return o
}

// factsOptions hold many small values in the tables, where what is written
// again is reclaimed by compaction, as it is not in the value log.
func factsOptions(dir string, log *slog.Logger) badger.Options {
	o := badgerOptions(dir, log)
	o.ValueThreshold = 1 << 20
	o.MemTableSize = 8 << 20
	o.BaseTableSize = 4 << 20
	o.NumCompactors = 2
	o.ValueLogFileSize = 64 << 20
	return o
}

// badgerLog passes Badger's warnings on; its notes are noise.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) put(level slog.Level, format string, v ...any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "badger: "+strings.TrimSpace(fmt.Sprintf(format, v...)))
	}
}

func (l badgerLog) Errorf(f string, v ...any)   { l.put(slog.LevelWarn, f, v...) }
func (l badgerLog) Warningf(f string, v ...any) { l.put(slog.LevelInfo, f, v...) }
func (l badgerLog) Infof(string, ...any)        {}
func (l badgerLog) Debugf(string, ...any)       {}

// diskUse returns the bytes of the disk blocks under dir. Files that vanish
// meanwhile count nothing.
func diskUse(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				n += st.Blocks * 512
			}
		}
		return nil
	})
	return n
}

// reserve is the free space below which nothing is written: Badger writes
// through a memory map, where a full disk kills the process with SIGBUS.
const reserve = 64 << 20

// diskFree returns the bytes that may still be written under dir.
func diskFree(dir string) int64 {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return 1 << 62 // the write itself will say what is wrong
	}
	return int64(st.Bavail)*st.Bsize - reserve
}
