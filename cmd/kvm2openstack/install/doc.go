// Package install has what a machine gets beside the binary: the service and
// timer of the scheduled sync, its cron line, an example of the configuration
// and the grants for the databases' users. The command prints and the packages
// ship the same files.
package install
