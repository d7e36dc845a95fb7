package convertcore

import (
	"crypto/sha256"
	"hash"
)

// Sums are the checksums that a container holds of its payload, and the one
// that is published of the container itself.
type Sums struct {
	IDAT   []uint32 // CRC-32 of each IDAT chunk, its type included; one below 2 GiB, none for NIfTI
	Adler  uint32   // Adler-32 of the filtered rows; 0 for NIfTI
	Nii    uint32   // CRC-32 of the .nii; 0 for PNG
	SHA256 [32]byte // of the listed container, PNG or .nii.gz
}

// Summer computes Sums while a payload streams by.
type Summer struct {
	enc *encoder
	sha hash.Hash
}

// NewSummer begins a payload of h.PayloadSize() bytes; lead is nil for PNG.
func NewSummer(h Header, lead []byte) (*Summer, error) {
	sha := sha256.New()
	enc, err := newEncoder(sha, h, lead, maxIDAT)
	if err != nil {
		return nil, err
	}
	return &Summer{enc, sha}, nil
}

// Write takes the next payload bytes, in pieces of any length. More than the
// header says is ErrMismatch.
func (s *Summer) Write(p []byte) (int, error) { return s.enc.Write(p) }

// Sums ends the payload: ErrMismatch where it was not as long as the header
// says. It is called once.
func (s *Summer) Sums() (Sums, error) {
	sums, err := s.enc.finish()
	if err != nil {
		return Sums{}, err
	}
	s.sha.Sum(sums.SHA256[:0])
	return sums, nil
}

// SumsOf computes the Sums of a decoded image.
func SumsOf(img Image) (Sums, error) {
	s, err := NewSummer(img.Header(), img.Lead())
	if err != nil {
		return Sums{}, err
	}
	if _, err := s.Write(img.Payload()); err != nil {
		return Sums{}, err
	}
	return s.Sums()
}
