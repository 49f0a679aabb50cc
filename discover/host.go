package discover

// A Host is one libvirt daemon to read, and how to reach it and its files.
type Host struct {
	Name        string // short name for people, unique in a scan: the URI's host, or the local host name
	URI         string // qemu:///system[?socket=], qemu+ssh://[user@]host[:port]/system, qemu+tls://, qemu+tcp://, or dir:///path for a folder of definitions
	ComputeHost string // host in Nova's services table; "" = what libvirt reports
	Insecure    bool   // the operator insists on qemu+tcp:// without TLS

	// Files says where the host's files are reached: "" follows the URI (local
	// for qemu:///, SFTP on the same connection for qemu+ssh://, nowhere for
	// tcp and tls), "sftp://[user@]host[:port]", or "file:///path" for a folder
	// that holds the host's file tree.
	Files string

	KnownHosts string // known_hosts file, default ~/.ssh/known_hosts
	KeyFile    string // private key, default the agent and ~/.ssh/id_*
	PKIPath    string // folder with cacert.pem, clientcert.pem, clientkey.pem; default libvirt's own places
}
