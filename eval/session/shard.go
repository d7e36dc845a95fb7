package session

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Shard is part Index of Count, counted from 1. The zero value is the whole.
type Shard struct{ Index, Count int }

func (s Shard) String() string {
	if s.Count <= 1 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Count)
}

// has tells whether a case belongs to the shard. It hangs on the names alone,
// so that adding datasets moves no case; all classes of a case stay together,
// so that its image is loaded once.
func (s Shard) has(dataset, caseID string) bool {
	return s.Count <= 1 || int(xxhash.Sum64String(dataset+"/"+caseID)%uint64(s.Count)) == s.Index-1
}

// ParseShard reads "i/n" (i from 1), "" for the whole, or "auto": the place in
// a SLURM array (SLURM_ARRAY_TASK_ID, _COUNT, _MIN) or a Kubernetes indexed job
// (JOB_COMPLETION_INDEX, with the total given as "auto/n").
func ParseShard(text string, env func(string) string) (Shard, error) {
	if text == "" {
		return Shard{}, nil
	}
	head, total, _ := strings.Cut(text, "/")
	if head == "auto" {
		return autoShard(total, env)
	}
	i, err1 := strconv.Atoi(head)
	n, err2 := strconv.Atoi(total)
	if err1 != nil || err2 != nil || n < 1 || i < 1 || i > n {
		return Shard{}, fmt.Errorf("%w: shard %q, want i/n with i from 1 to n, or auto", ErrConfig, text)
	}
	return Shard{i, n}, nil
}

func autoShard(total string, env func(string) string) (Shard, error) {
	number := func(name string) (int, bool) {
		v, err := strconv.Atoi(env(name))
		return v, err == nil
	}
	if id, ok := number("SLURM_ARRAY_TASK_ID"); ok {
		n, ok := number("SLURM_ARRAY_TASK_COUNT")
		low, _ := number("SLURM_ARRAY_TASK_MIN")
		if ok && id >= low && id-low < n {
			return Shard{id - low + 1, n}, nil
		}
		return Shard{}, fmt.Errorf("%w: SLURM_ARRAY_TASK_ID is %d, but its COUNT and MIN do not fit (arrays with steps are not supported)", ErrConfig, id)
	}
	if i, ok := number("JOB_COMPLETION_INDEX"); ok {
		n, err := strconv.Atoi(total)
		if err != nil || i < 0 || i >= n {
			return Shard{}, fmt.Errorf("%w: JOB_COMPLETION_INDEX is %d; say how many with --shard auto/N", ErrConfig, i)
		}
		return Shard{i + 1, n}, nil
	}
	return Shard{}, fmt.Errorf("%w: shard auto, but neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set", ErrConfig)
}
