package main

// hint says what a user can do about an errno of the design; "" where there is
// nothing to say beyond the error's own text.
func hint(errno string) string {
	return hints[errno]
}

var hints = map[string]string{
	"ENETUNREACH": "the mount is offline: mount without --offline, or fetch the dataset first while there is a network",
	"ETIMEDOUT":   "the server did not answer in time: try again, raise --timeout, or name a mirror with --mirror",
	"EACCES":      "the platform wants a token or an accepted agreement: see the dataset's record; where the text names --accept-license, that",
	"EBUSY":       "the platform limits requests: wait a while, or name a mirror with --mirror",
	"EDQUOT":      "the download budget is spent: raise --budget",
	"EREMOTEIO":   "the file is not where the record says: the record may have moved; a mirror may have it: --mirror",
	"EBADMSG":     "the bytes are not those of the authors' checksum: try again, or another mirror",
	"EOPNOTSUPP":  "this build cannot read the file's encoding; the original is in raw/",
	"ENOSPC":      "the disk of the cache folder is full: free space there or choose another folder with --cache",
	"EIO":         "the original file is in raw/ if it can be had; please report what this says",
}
