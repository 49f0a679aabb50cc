package discover

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLayout(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"nothing", "<domain/>", ""},
		{"comment with tags", "<!-- <domain><features><apic/> --><domain><features><!-- <pae/> --><apic/></features></domain>", "feature apic"},
		{"character data with tags", "<domain><title><![CDATA[<features><pae/>]]></title><features><apic/></features></domain>", "feature apic"},
		{"elsewhere", "<domain><metadata><features><apic/></features><os><smbios mode='host'/></os></metadata></domain>", ""},
		{"double quotes and spaces", "<domain ><os ><smbios mode = \"host\" /></os ></domain >", "smbios mode=host"},
		{"features", "<domain><features><acpi/><kvm><hidden state='on'/></kvm><hyperv><relaxed state='on'/></hyperv><vmport state='off'/></features></domain>",
			"feature kvm/hidden state=on\nfeature vmport state=off"},
		{"system information", "<domain><sysinfo type='smbios'><system><entry name='manufacturer'> A &amp; B &quot;GmbH&quot; </entry><entry name='serial'/></system><oemStrings><entry>x y</entry><entry>z=1</entry></oemStrings></sysinfo></domain>",
			`sysinfo system/manufacturer value="A & B \"GmbH\""` + "\nsysinfo system/serial value=\nsysinfo oemStrings/0 value=\"x y\"\nsysinfo oemStrings/1 value=z=1"},
		{"by another way than SMBIOS", "<domain><sysinfo type='fwcfg'><entry name='opt/x'>1</entry></sysinfo></domain>", ""},
		{"timers", "<domain><clock><timer name='hpet' present='no'/><timer name='rtc' tickpolicy='catchup'><catchup threshold='1'/></timer></clock></domain>",
			"timer hpet present=no\ntimer rtc tickpolicy=catchup"},
		{"devices", `<domain><devices><emulator>/x</emulator>
			<disk type='file'><source file='a'><address type='pci' slot='0x09'/></source><address type='pci' domain='0x0000' bus='0x00' slot='0x1f' function='0x7'/></disk>
			<disk type='file'><address type='drive' controller='1' bus='0' target='0' unit='2'/></disk>
			<controller type='usb' model='piix3-uhci'><address type='pci'/></controller>
			<controller type='scsi' index='1'><address type='ccw' cssid='0xfe'/></controller>
			<sound model='ich6'><address type='pci' slot='0x04'/></sound>
			<video><model type='qxl' vram='65536'/></video>
			<console><target type='virtio' port='1'/></console>
			<channel><target type='virtio' name='org.x.0'/></channel>
			<memballoon model='virtio' autodeflate='on'/></devices></domain>`,
			"disk 0 at=pci:0000:00:1f.7\ndisk 1 at=drive:1:0:0:2\ncontroller usb/0 model=piix3-uhci\ncontroller scsi/1\nvideo 0 type=qxl vram=65536\nconsole 0 target=virtio\nchannel 0 target=virtio name=org.x.0\nmemballoon 0 model=virtio autodeflate=on"},
	} {
		if got := layoutOf([]byte(c.doc)).String(); got != c.want {
			t.Errorf("%s: layout is (-want +got):\n%s", c.name, cmp.Diff(c.want, got))
		}
	}
}

func TestLayoutFacts(t *testing.T) {
	l := layoutOf([]byte(`<domain><sysinfo type='smbios'><system><entry name='a b=c'>say "x" \ and y</entry></system></sysinfo><os><smbios mode='sysinfo'/></os></domain>`))
	var got []string
	for f := range l.Facts() {
		got = append(got, strings.Join([]string{f.Kind, f.Name, f.Get("value"), f.Get("mode"), f.Get("none")}, "|"))
	}
	want := []string{`sysinfo|system/a b_c|say "x" \ and y||`, "smbios|||sysinfo|"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if !(Layout{}).Equal(layoutOf(nil)) || (Layout{}).String() != "" {
		t.Error("nothing read is not the zero layout")
	}
}

// FuzzLayout: no document of any kind is too much for it.
func FuzzLayout(f *testing.F) {
	f.Add([]byte("<domain><devices><disk><address type='drive' unit='99999999999999'/></disk></devices></domain>"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		for fact := range layoutOf(doc).Facts() {
			fact.Get("at")
		}
	})
}
