package blob

import (
	"context"
	"errors"
	"io"
	"testing"
)

func TestSums(t *testing.T) {
	tests := []struct {
		sum  string
		want error
	}{
		{"md5:900150983cd24fb0d6963f7d28e17f72", nil},
		{"md5:900150983CD24FB0D6963F7D28E17F72", nil},
		{"sha1:a9993e364706816aba3e25717850c26c9cd0d89d", nil},
		{"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", nil},
		{"crc32:352441c2", nil},
		{"crc32:352441c3", ErrChecksum},
	}
	for _, tt := range tests {
		h, err := NewHash(tt.sum)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(h, "abc")
		if err := CheckSum(h, tt.sum); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.sum, err)
		}
	}
	for _, bad := range []string{"", "md5", "md5:", "md5:zz", "crc32:1234", "rot13:aa"} {
		if _, err := NewHash(bad); err == nil {
			t.Errorf("%q is taken for a checksum", bad)
		}
	}
}

func TestViewLeavesTheBlobOpen(t *testing.T) {
	closed := 0
	b := closer{Bytes([]byte("abc")), &closed}
	if err := WithContext(context.Background(), b).Close(); err != nil || closed != 0 {
		t.Errorf("closed %d times, %v", closed, err)
	}
}

type closer struct {
	Blob
	n *int
}

func (c closer) Close() error { *c.n++; return nil }
