package fs

import (
	"math/bits"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// maxPooled is the largest buffer that is kept for the next read: the size of
// the largest request.
const maxPooled = 20 // log2

var buffers [maxPooled + 1]sync.Pool

func bufferClass(n int) int { return max(12, bits.Len(uint(n-1))) }

// getBuffer returns n bytes of whatever was read before.
func getBuffer(n int) []byte {
	class := bufferClass(n)
	if class > maxPooled {
		return make([]byte, n)
	}
	if p, ok := buffers[class].Get().(*[]byte); ok {
		return (*p)[:n]
	}
	return make([]byte, n, 1<<class)
}

func putBuffer(b []byte) {
	if class := bufferClass(cap(b)); cap(b) == 1<<class && class <= maxPooled {
		buffers[class].Put(&b)
	}
}

// pooledResult is a read's answer whose buffer goes back to the pool when the
// kernel has copied it.
type pooledResult []byte

var _ fuse.ReadResult = pooledResult(nil)

func (r pooledResult) Size() int                          { return len(r) }
func (r pooledResult) Bytes([]byte) ([]byte, fuse.Status) { return r, fuse.OK }
func (r pooledResult) Slices() ([][]byte, fuse.Status)    { return [][]byte{r}, fuse.OK }
func (r pooledResult) Done() {
	if r != nil {
		putBuffer(r)
	}
}
