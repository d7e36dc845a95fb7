package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Signatures and lengths of the ZIP specification, APPNOTE.TXT 6.3.10,
// sections 4.3.7 to 4.3.16.
const (
	sigLocal     = 0x04034b50
	sigEntry     = 0x02014b50
	sigEnd       = 0x06054b50
	sigEnd64     = 0x06064b50
	sigLocator64 = 0x07064b50

	lenLocal     = 30
	lenEntry     = 46
	lenEnd       = 22
	lenEnd64     = 56
	lenLocator64 = 20
)

const (
	// zipTail is what is read first. It holds the end record of an archive
	// without a long comment, and the whole directory of a small one.
	zipTail = 64 << 10
	// maxTail holds the end records behind the longest comment.
	maxTail = 1<<16 + lenEnd + lenLocator64 + lenEnd64
	// maxDirectory bounds memory: about eight million members.
	maxDirectory = 1 << 30
)

var le = binary.LittleEndian

// zipEnd says where the directory is.
type zipEnd struct {
	count      uint64
	size       int64 // of the directory
	off        int64 // of the directory in the blob
	base       int64 // what stands before the archive, such as a program that unpacks it
	countExact bool
	// disks are where the volumes of a split archive begin; offsets count from
	// there.
	disks []int64
}

// errAlone says that an archive has no volumes beside the one that it is
// named by.
var errAlone = errors.New("not a split archive")

// readTail reads the last n bytes of b, or somewhat fewer so that the read
// begins on a block of the cache.
func readTail(b blob.Blob, n int64) (start int64, tail []byte, err error) {
	const align = 16 << 10
	if start = b.Size() - n; start <= 0 {
		start = 0
	} else if up := (start + align - 1) / align * align; n == zipTail && up < b.Size()-align {
		start = up
	}
	tail = make([]byte, b.Size()-start)
	return start, tail, readFull(b, tail, start)
}

// readFull is ReadAt for bytes that must be there.
func readFull(b blob.Blob, p []byte, off int64) error {
	n, err := b.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF || err == nil {
		return fmt.Errorf("%w: it ends at byte %d", ErrFormat, off+int64(n))
	}
	return err
}

// readDirectory finds the end record and returns the directory's bytes.
func readDirectory(b blob.Blob, volumes []Volume) (zipEnd, []byte, error) {
	start, tail, err := readTail(b, zipTail)
	if err != nil {
		return zipEnd{}, nil, err
	}
	at := findEnd(tail)
	if (at < 0 || at < lenLocator64+lenEnd64) && start > 0 {
		if start, tail, err = readTail(b, maxTail); err != nil {
			return zipEnd{}, nil, err
		}
		at = findEnd(tail)
	}
	if at < 0 {
		return zipEnd{}, nil, fmt.Errorf("%w: no end of central directory in the last %d bytes: not a zip file, or cut off", ErrFormat, len(tail))
	}
	end, err := parseEnd(b, start, tail, at, volumes)
	if err != nil {
		return zipEnd{}, nil, err
	}
	dir := make([]byte, end.size)
	fromTail := dir[min(end.size, max(0, start-end.off)):]
	if len(fromTail) > 0 {
		copy(fromTail, tail[max(0, end.off-start):])
	}
	rest := dir[:len(dir)-len(fromTail)]
	if len(rest) > 0 {
		err = readFull(b, rest, end.off)
	}
	return end, dir, err
}

// findEnd returns the place of the end record whose comment fills the tail,
// or else of the last one whose comment fits; -1 without one.
func findEnd(tail []byte) int {
	fits := -1
	for at := len(tail) - lenEnd; at >= 0; at-- {
		if tail[at] != 'P' || le.Uint32(tail[at:]) != sigEnd {
			continue
		}
		end := at + lenEnd + int(le.Uint16(tail[at+20:]))
		if end == len(tail) {
			return at
		}
		if end < len(tail) && fits < 0 {
			fits = at
		}
	}
	return fits
}

func parseEnd(b blob.Blob, start int64, tail []byte, at int, volumes []Volume) (zipEnd, error) {
	r := tail[at:]
	disk, dirDisk := le.Uint16(r[4:]), le.Uint16(r[6:])
	end := zipEnd{count: uint64(le.Uint16(r[10:])), size: int64(le.Uint32(r[12:]))}
	declared := int64(le.Uint32(r[16:]))
	place := start + int64(at) // where the directory must end
	if at >= lenLocator64 && le.Uint32(tail[at-lenLocator64:]) == sigLocator64 {
		e64, pos, err := readEnd64(b, start, tail, at, volumes)
		if err != nil {
			return end, err
		}
		disk, dirDisk = uint16(le.Uint32(e64[16:])), uint16(le.Uint32(e64[20:]))
		n, off := le.Uint64(e64[40:]), le.Uint64(e64[48:])
		if n > maxDirectory || off > 1<<62 {
			return end, fmt.Errorf("%w: a directory of %d bytes at %d", ErrFormat, n, off)
		}
		end.count, end.size, declared, place = le.Uint64(e64[32:]), int64(n), int64(off), pos
		end.countExact = true
	}
	if disk == 0xffff {
		disk = 0
	}
	if dirDisk == 0xffff {
		dirDisk = 0
	}
	switch {
	case disk == 0 && dirDisk == 0 && isSplit(volumes):
		return end, errAlone
	case disk == 0 && dirDisk == 0:
	case !isSplit(volumes) || int(disk) != len(volumes)-1 || dirDisk > disk:
		return end, errVolumes(max(1, len(volumes)), int(disk)+1)
	default:
		at := int64(0)
		for _, v := range volumes {
			end.disks = append(end.disks, at)
			at += v.Blob.Size()
		}
		declared += end.disks[dirDisk]
	}
	if end.size > place || end.size > maxDirectory {
		return end, fmt.Errorf("%w: a directory of %d bytes before byte %d", ErrFormat, end.size, place)
	}
	end.off = place - end.size
	if end.base = end.off - declared; end.base < 0 {
		return end, fmt.Errorf("%w: the directory should be at byte %d and is at %d: bytes are missing", ErrFormat, declared, end.off)
	}
	return end, nil
}

// isSplit tells zip's own volumes from a zip that was cut, which is joined.
func isSplit(volumes []Volume) bool {
	return len(volumes) > 1 && !cutVolume.MatchString(volumes[0].Name)
}

// readEnd64 returns the zip64 end record and its place: directly before its
// locator, or where the locator says.
func readEnd64(b blob.Blob, start int64, tail []byte, at int, volumes []Volume) ([]byte, int64, error) {
	loc := at - lenLocator64
	if i := loc - lenEnd64; i >= 0 && le.Uint32(tail[i:]) == sigEnd64 {
		return tail[i:loc], start + int64(i), nil
	}
	off := le.Uint64(tail[loc+8:])
	if d := int(le.Uint32(tail[loc+4:])); d > 0 && isSplit(volumes) && d < len(volumes) {
		for _, v := range volumes[:d] {
			off += uint64(v.Blob.Size())
		}
	}
	if off > uint64(b.Size()) || int64(off)+lenEnd64 > b.Size() {
		return nil, 0, fmt.Errorf("%w: zip64 end record at byte %d", ErrFormat, off)
	}
	rec := make([]byte, lenEnd64)
	if err := readFull(b, rec, int64(off)); err != nil {
		return nil, 0, err
	}
	if le.Uint32(rec) != sigEnd64 {
		return nil, 0, fmt.Errorf("%w: no zip64 end record at byte %d", ErrFormat, off)
	}
	return rec, int64(off), nil
}

// parseDirectory makes the index of a directory. It must hold exactly as many
// entries as the end record says.
func parseDirectory(end zipEnd, dir []byte, l Limits) (*index, error) {
	b := builder{limit: l.Members}
	b.arena.Grow(len(dir) / 2)
	seen := uint64(0)
	for rest := dir; len(rest) > 0; seen++ {
		if len(rest) < lenEntry || le.Uint32(rest) != sigEntry {
			if seen == end.count {
				break // a digital signature may follow
			}
			return nil, fmt.Errorf("%w: entry %d of the directory", ErrFormat, seen)
		}
		n, e, c := int(le.Uint16(rest[28:])), int(le.Uint16(rest[30:])), int(le.Uint16(rest[32:]))
		if lenEntry+n+e+c > len(rest) {
			return nil, fmt.Errorf("%w: entry %d of the directory is cut off", ErrFormat, seen)
		}
		if err := b.addEntry(rest[:lenEntry+n+e], n, end); err != nil {
			return nil, fmt.Errorf("entry %d of the directory: %w", seen, err)
		}
		rest = rest[lenEntry+n+e+c:]
	}
	// Writers without zip64 let the 16-bit count wrap around.
	if seen != end.count && (end.countExact || seen&0xffff != end.count) {
		return nil, fmt.Errorf("%w: %d entries in the directory, %d announced", ErrFormat, seen, end.count)
	}
	return b.index(end.off, true), nil
}

// addEntry reads one entry: its fixed part, its name of n bytes, its extra field.
func (b *builder) addEntry(e []byte, n int, end zipEnd) error {
	raw, extra := e[lenEntry:lenEntry+n], e[lenEntry+n:]
	usize, csize, off := uint64(le.Uint32(e[24:])), uint64(le.Uint32(e[20:])), uint64(le.Uint32(e[42:]))
	disk := uint64(le.Uint16(e[34:]))
	if err := zip64Extra(extra, &disk, &usize, &csize, &off); err != nil {
		return err
	}
	if end.disks != nil {
		if disk >= uint64(len(end.disks)) || off > 1<<62 {
			return fmt.Errorf("%w: volume %d of %d", ErrFormat, disk+1, len(end.disks))
		}
		off += uint64(end.disks[disk])
	}
	name := entryName(e, raw, extra)
	if skipEntry(e, name, usize) {
		return nil
	}
	if csize > 1<<62 || usize > 1<<62 || off > 1<<62 || int64(off)+end.base+lenLocal+int64(csize) > end.off {
		return fmt.Errorf("%w: %.80q lies outside the archive", ErrFormat, name)
	}
	m := member{
		off: int64(off) + end.base, csize: int64(csize), size: int64(usize),
		crc: le.Uint32(e[16:]), meth: le.Uint16(e[10:]),
		head: uint16(min(lenLocal+n+len(extra)+32, 1<<16-1)),
	}
	if le.Uint16(e[8:])&1 != 0 {
		m.flags |= flagEncrypted
	}
	// DEFLATE makes at most 1032 bytes of one; a stored member keeps its size.
	if m.meth == methodDeflate && m.size > m.csize*1032+64 || m.meth == methodStore && m.size != m.csize && m.flags&flagEncrypted == 0 {
		m.flags |= flagRatio
	}
	return b.add(name, m)
}

// zip64Extra replaces the fields that are all ones by those of the extra field
// 0x0001 (APPNOTE 4.5.3), which has them in this order and only those, and
// behind them the number of the volume, of four bytes.
func zip64Extra(extra []byte, disk *uint64, fields ...*uint64) error {
	want := 0
	if *disk == 0xffff {
		want++
	}
	for _, f := range fields {
		if *f == 0xffffffff {
			want++
		}
	}
	if want == 0 {
		return nil
	}
	body := findExtra(extra, 1)
	for _, f := range fields {
		if *f != 0xffffffff {
			continue
		}
		if len(body) < 8 {
			if body == nil {
				return nil // exactly 4 GiB - 1, without zip64
			}
			return fmt.Errorf("%w: zip64 field is cut off", ErrFormat)
		}
		*f, body = le.Uint64(body), body[8:]
	}
	if *disk == 0xffff && len(body) >= 4 {
		*disk = uint64(le.Uint32(body))
	}
	return nil
}

func findExtra(extra []byte, id uint16) []byte {
	for len(extra) >= 4 {
		n := int(le.Uint16(extra[2:]))
		if 4+n > len(extra) {
			return nil
		}
		if le.Uint16(extra) == id {
			return extra[4 : 4+n : 4+n]
		}
		extra = extra[4+n:]
	}
	return nil
}

// entryName decodes a name: UTF-8 from Info-ZIP's Unicode path field (APPNOTE
// 4.6.9) or as it stands, CP437 where it is not valid UTF-8. Backslashes are
// separators where an MS-DOS or NTFS program wrote them.
func entryName(e, raw, extra []byte) string {
	if u := findExtra(extra, 0x7075); len(u) > 5 && u[0] == 1 && le.Uint32(u[1:]) == crc32.ChecksumIEEE(raw) && utf8.Valid(u[5:]) {
		raw = u[5:]
	}
	name := string(raw)
	if !utf8.Valid(raw) {
		name = decodeCP437(name)
	}
	host := e[5]
	if (host == 0 || host == 10 || host == 11) && bytes.IndexByte(raw, '\\') >= 0 && !strings.Contains(name, "/") {
		name = strings.ReplaceAll(name, `\`, "/")
	}
	return name
}

// skipEntry says whether an entry is a folder, a link or a device.
func skipEntry(e []byte, name string, usize uint64) bool {
	if strings.HasSuffix(name, "/") {
		return true
	}
	attr, host := le.Uint32(e[38:]), e[5]
	if host == 3 || host == 19 { // Unix, macOS: st_mode is in the upper half
		kind := attr >> 16 & 0o170000
		return kind != 0 && kind != 0o100000
	}
	return attr&0x10 != 0 && usize == 0
}
