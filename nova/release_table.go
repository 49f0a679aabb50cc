package nova

// A known release is one whose schema and blobs we have looked at. The
// revisions are the heads of Nova's migrations at the x.0.0 tags; point
// releases never moved them.
type known struct {
	name    string
	major   int
	api     string
	cell    string
	service int // SERVICE_VERSION of nova/objects/service.py, the same in all point releases
}

// releases is every Nova we write to, oldest first. 2024.1 and 2024.2 have
// the same revisions and the same service version, and so are one entry.
var releases = []known{
	{"Victoria", 22, "77", "412", 53},
	{"Wallaby", 23, "82", "417", 56},
	{"Xena", 24, "d67eeaabee36", "8f2f1571d55b", 60},
	{"Yoga", 25, "b30f573d3377", "16f1fbcab42b", 61},
	{"Zed", 26, "b30f573d3377", "ccb0fa1a2252", 64},
	{"2023.1", 27, "b30f573d3377", "960aac0e09ea", 66},
	{"2023.2", 28, "cdeec0c85668", "1acf2c98e646", 66},
	{"2024.1 or 2024.2", 29, "cdeec0c85668", "13863f4e1612", 67},
	{"2025.1", 31, "cdeec0c85668", "2903cd72dc14", 68},
	{"2025.2", 32, "cdeec0c85668", "2903cd72dc14", 70},
	{"2026.1", 33, "cdeec0c85668", "2903cd72dc14", 72},
	{"2026.2", 34, "cdeec0c85668", "ab450ba04102", 73},
}
