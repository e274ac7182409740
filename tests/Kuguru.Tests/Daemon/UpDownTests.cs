using Kuguru.Daemon;
using Kuguru.Ike;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Crypto;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Kuguru.Tests.Daemon;

public sealed class UpDownTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("updown-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_client_tunnel_has_strongSwans_variables()
    {
        var variables = Assert.Single(UpDownEnvironment.Of(Event(null) with { Interface = "eth0" }));
        Assert.Equal("""
            PLUTO_CONNECTION=net
            PLUTO_INTERFACE=eth0
            PLUTO_ME=10.1.0.10
            PLUTO_MY_CLIENT=10.3.0.1/32
            PLUTO_MY_ID=carol@example.org
            PLUTO_MY_PORT=0
            PLUTO_MY_PROTOCOL=0
            PLUTO_MY_SOURCEIP=10.3.0.1
            PLUTO_MY_SOURCEIP4_1=10.3.0.1
            PLUTO_MY_SOURCEIP6_1=fec3::1
            PLUTO_PEER=192.168.0.2
            PLUTO_PEER_CLIENT=10.2.0.0/16
            PLUTO_PEER_ID=sun.example.org
            PLUTO_PEER_PORT=0
            PLUTO_PEER_PROTOCOL=0
            PLUTO_PROTO=esp
            PLUTO_REQID=1
            PLUTO_UDP_ENC=4500
            PLUTO_UNIQUEID=2
            PLUTO_VERB=up-client
            PLUTO_VERSION=1.1
            """, string.Join('\n', variables.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => $"{v.Key}={v.Value}")));
    }

    [Theory]
    [InlineData("10.1.0.10", 32, true, "up-host")]
    [InlineData("10.1.0.0", 16, false, "down-client")]
    [InlineData("fec1::", 16, true, "up-client-v6")]
    public void The_verb_says_whether_the_end_itself_is_in_the_tunnel(string address, int bits, bool isUp, string verb)
    {
        var remote = address.Contains(':') ? "fec2::" : "10.2.0.0";
        var what = Event(null, [new(AddressRange.Prefix(IpAddress.Parse(address), bits))], [new(AddressRange.Prefix(IpAddress.Parse(remote), 16))]) with { IsUp = isUp };
        Assert.Equal(verb, Assert.Single(UpDownEnvironment.Of(what))["PLUTO_VERB"]);
    }

    [Fact]
    public void Each_pair_of_selectors_of_one_family_has_its_own_run()
    {
        static Selector net(string prefix, int bits) => new(AddressRange.Prefix(IpAddress.Parse(prefix), bits));
        var runs = UpDownEnvironment.Of(Event(null, [net("10.1.0.0", 16), net("fec1::", 16)], [net("10.2.0.0", 16), net("10.4.0.0", 16), net("fec2::", 16)]));
        Assert.Equal(["10.1.0.0/16 10.2.0.0/16", "10.1.0.0/16 10.4.0.0/16", "fec1::/16 fec2::/16"], runs.Select(r => $"{r["PLUTO_MY_CLIENT"]} {r["PLUTO_PEER_CLIENT"]}"));
    }

    [Fact]
    public void Ports_ranges_and_ICMP_types_are_told_as_strongSwan_tells_them()
    {
        var any = AddressRange.Prefix(IpAddress.AnyV4, 0);
        var odd = new AddressRange(IpAddress.Parse("10.1.0.1"), IpAddress.Parse("10.1.0.6"));
        var ports = Assert.Single(UpDownEnvironment.Of(Event(null, [new(odd, 6, 1000, 2000)], [new(any, 6, 80, 80)])));
        Assert.Equal(("1000:2000", "80", "6", "10.1.0.0/29"), (ports["PLUTO_MY_PORT"], ports["PLUTO_PEER_PORT"], ports["PLUTO_MY_PROTOCOL"], ports["PLUTO_MY_CLIENT"]));
        var icmp = Assert.Single(UpDownEnvironment.Of(Event(null, [new(any, 1, 0x0301, 0x0301)], [new(any, 1)])));
        Assert.Equal(("3", "1"), (icmp["PLUTO_MY_PORT"], icmp["PLUTO_PEER_PORT"]));
    }

    [Fact]
    public async Task Scripts_run_in_order_by_the_shell_and_what_they_print_is_logged()
    {
        var file = System.IO.Path.Combine(_folder, "out");
        var log = new Lines();
        using var scripts = new UpDownScripts(TimeSpan.FromSeconds(20), log);
        var command = $"echo \"$PLUTO_VERB $PLUTO_PEER_ID\" >>{file}; echo to stderr >&2; true";
        for (var i = 0; i < 3; i++)
        {
            scripts.Post(Event(command));
            scripts.Post(Event(command) with { IsUp = false });
        }
        await scripts.Drain();
        Assert.Equal(Enumerable.Repeat((string[])["up-client sun.example.org", "down-client sun.example.org"], 3).SelectMany(l => l), File.ReadLines(file));
        Assert.Equal(6, log.Said.Count(l => l == "updown of net: to stderr"));
    }

    [Fact]
    public async Task What_a_peer_calls_itself_is_never_read_by_the_shell()
    {
        var (file, trap) = (System.IO.Path.Combine(_folder, "out"), System.IO.Path.Combine(_folder, "trap"));
        using var scripts = new UpDownScripts(TimeSpan.FromSeconds(20), new Lines());
        var what = Event($"env | grep ^PLUTO_PEER_ID >{file}");
        var id = $"$(touch {trap})`touch {trap}`;touch {trap};\"'\\";
        scripts.Post(what with { Sa = what.Sa with { RemoteId = new Identity(IdType.Fqdn, System.Text.Encoding.ASCII.GetBytes(id)) } });
        await scripts.Drain();
        Assert.Equal($"PLUTO_PEER_ID={id}\n", File.ReadAllText(file));
        Assert.False(File.Exists(trap));
    }

    [Fact]
    public async Task A_script_that_fails_is_told_and_does_not_hold_up_the_next()
    {
        var log = new Lines();
        using var scripts = new UpDownScripts(TimeSpan.FromSeconds(20), log);
        scripts.Post(Event("exit 7"));
        scripts.Post(Event("/nonexistent/_updown iptables"));
        await scripts.Drain();
        Assert.Contains("updown of net (up-client): 'exit 7' ended with exit code 7", log.Said);
        Assert.Contains("updown of net (up-client): '/nonexistent/_updown iptables' ended with exit code 127", log.Said);
    }

    [Fact]
    public async Task A_script_that_does_not_end_is_killed()
    {
        var log = new Lines();
        using var scripts = new UpDownScripts(TimeSpan.FromSeconds(0.3), log);
        scripts.Post(Event("sleep 60 & wait"));
        await scripts.Drain();
        Assert.Contains("updown of net (up-client): 'sleep 60 & wait' did not end within 0.3 s: killed", log.Said);
    }

    static UpDownEvent Event(string? command, Selector[]? local = null, Selector[]? remote = null)
    {
        var child = new ChildSaStatus
        {
            Name = "net",
            UniqueId = 3,
            ReqId = 1,
            State = ChildState.Installed,
            UdpEncapsulated = true,
            InboundSpi = new Spi(1000),
            OutboundSpi = new Spi(1001),
            Suite = new EspSuite(new Encryption(EncryptionAlgorithm.AesGcm16, 128), IntegrityAlgorithm.None, ExtendedSequenceNumbers.No),
            Usage = new SaUsage(),
            InstalledAt = default,
            LocalSelectors = [.. local ?? [new Selector(AddressRange.Single(IpAddress.Parse("10.3.0.1")))]],
            RemoteSelectors = [.. remote ?? [new Selector(AddressRange.Prefix(IpAddress.Parse("10.2.0.0"), 16))]],
            Config = new ChildConfig { Name = "net", Proposals = [], LocalSelectors = [], RemoteSelectors = [], UpDown = command },
        };
        return new UpDownEvent(true, new IkeSaStatus
        {
            Name = "home",
            UniqueId = 2,
            State = IkeState.Established,
            IsInitiator = true,
            Path = new Path(new(IpAddress.Parse("10.1.0.10"), 4500), new(IpAddress.Parse("192.168.0.2"), 4500)),
            InitiatorSpi = new IkeSpi(1),
            ResponderSpi = new IkeSpi(2),
            LocalId = Identity.Parse("carol@example.org"),
            RemoteId = Identity.Parse("sun.example.org"),
            Nat = NatVerdict.Unknown,
            LocalVirtualAddresses = [IpAddress.Parse("10.3.0.1"), IpAddress.Parse("fec3::1")],
            Children = [child],
        }, child);
    }

    sealed class Lines : ILogger
    {
        public List<string> Said { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (Said)
                Said.Add(formatter(state, exception));
        }
    }
}
