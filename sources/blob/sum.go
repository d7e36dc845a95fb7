package blob

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"strings"
)

// ErrChecksum marks bytes that are not those that a checksum was made of.
var ErrChecksum = errors.New("checksum mismatch")

// Modified is the prefix of what stands in place of a checksum for a file of
// this machine: the time of its last change, in nanoseconds. It tells versions
// apart and proves nothing.
const Modified = "mtime:"

// NewHash returns the hash that a sum such as "md5:…" was made with.
func NewHash(sum string) (hash.Hash, error) {
	name, digest, _ := strings.Cut(sum, ":")
	var h hash.Hash
	switch name {
	case "sha256":
		h = sha256.New()
	case "sha512":
		h = sha512.New()
	case "sha1":
		h = sha1.New()
	case "md5":
		h = md5.New()
	case "crc32":
		h = crc32.NewIEEE()
	default:
		return nil, fmt.Errorf("unknown checksum %q", sum)
	}
	if raw, err := hex.DecodeString(digest); err != nil || len(raw) != h.Size() {
		return nil, fmt.Errorf("malformed checksum %q", sum)
	}
	return h, nil
}

// CheckSum compares what h has hashed with sum.
func CheckSum(h hash.Hash, sum string) error {
	name, want, _ := strings.Cut(sum, ":")
	if got := hex.EncodeToString(h.Sum(nil)); !strings.EqualFold(got, want) {
		return fmt.Errorf("%w: %s is %s, expected %s", ErrChecksum, name, got, want)
	}
	return nil
}
