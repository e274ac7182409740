using Kuguru.Crypto;
using Kuguru.Daemon.Vici;
using Kuguru.Ike;
using Kuguru.Nat;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Daemon.Vici;

/// <summary>The order and spelling that strongSwan's test scenarios look for in <c>swanctl --list-sas --raw</c>.</summary>
public class SaWriterTests
{
    static readonly Instant Now = new(100_000_000_000);

    static readonly ChildSaStatus Child = new()
    {
        Name = "nat-t",
        UniqueId = 3,
        ReqId = 1,
        State = ChildState.Installed,
        UdpEncapsulated = true,
        InboundSpi = new Spi(0x0a0b0c0d),
        OutboundSpi = new Spi(0xc0000001),
        Suite = new EspSuite(new Encryption(EncryptionAlgorithm.AesGcm16, 128), IntegrityAlgorithm.None, ExtendedSequenceNumbers.No),
        Usage = new SaUsage(),
        InstalledAt = Now - TimeSpan.FromSeconds(9.9),
        RekeyAt = Now + TimeSpan.FromSeconds(3400.5),
        ExpiresAt = Now + TimeSpan.FromSeconds(3950.5),
        LocalSelectors = [new Selector(AddressRange.Single(IpAddress.Parse("10.1.0.10")))],
        RemoteSelectors = [new Selector(AddressRange.Prefix(IpAddress.Parse("10.2.0.0"), 16))],
        Config = new ChildConfig { Name = "nat-t", Proposals = [], LocalSelectors = [], RemoteSelectors = [] },
    };

    static readonly IkeSaStatus Sa = new()
    {
        Name = "nat-t",
        UniqueId = 2,
        State = IkeState.Established,
        IsInitiator = true,
        Path = new Path(new(IpAddress.Parse("10.1.0.10"), 4500), new(IpAddress.Parse("192.168.0.2"), 4500)),
        InitiatorSpi = new IkeSpi(0x0123456789abcdef),
        ResponderSpi = new IkeSpi(0xfedcba9876543210),
        LocalId = Identity.Parse("10.1.0.10"),
        RemoteId = Identity.Parse("192.168.0.2"),
        Nat = new NatVerdict(Supported: true, Local: true, Remote: false, Forced: false, LooksForced: false),
        Suite = new IkeSuite(new Encryption(EncryptionAlgorithm.AesCbc, 128), IntegrityAlgorithm.HmacSha2_256_128, PseudoRandomFunction.HmacSha2_256, KeyExchangeMethod.Curve25519),
        EstablishedAt = Now - TimeSpan.FromSeconds(10),
        RekeyAt = Now + TimeSpan.FromSeconds(14000),
        Children = [Child],
    };

    [Fact]
    public void An_IKE_SA_behind_a_NAT_is_listed_as_the_scenario_nat_rw_psk_expects()
    {
        // Patterns of strongSwan's testing/tests/ikev2/nat-rw-psk/evaltest.dat, as facts of the format.
        var raw = Raw(SaWriter.ListSa(Sa, Now));
        Assert.Matches(@"nat-t.*version=2 state=ESTABLISHED local-host=10.1.0.10 local-port=4500 local-id=10.1.0.10 remote-host=192.168.0.2 remote-port=4500 remote-id=192.168.0.2 "
            + @"initiator=yes.*nat-local=yes nat-any=yes encr-alg=AES_CBC encr-keysize=128 integ-alg=HMAC_SHA2_256_128 prf-alg=PRF_HMAC_SHA2_256 dh-group=CURVE_25519.*child-sas.*"
            + @"nat-t.*reqid=1 state=INSTALLED mode=TUNNEL protocol=ESP encap=yes.*encr-alg=AES_GCM_16 encr-keysize=128.*local-ts=\[10.1.0.10/32] remote-ts=\[10.2.0.0/16]", raw);
    }

    [Fact]
    public void The_whole_of_it_has_every_field_in_charons_order()
    {
        Child.Usage.CountInbound(Now - TimeSpan.FromSeconds(2), 3, 252);
        Assert.Equal("nat-t {uniqueid=2 version=2 state=ESTABLISHED local-host=10.1.0.10 local-port=4500 local-id=10.1.0.10 remote-host=192.168.0.2 remote-port=4500 "
            + "remote-id=192.168.0.2 initiator=yes initiator-spi=0123456789abcdef responder-spi=fedcba9876543210 nat-local=yes nat-any=yes encr-alg=AES_CBC encr-keysize=128 "
            + "integ-alg=HMAC_SHA2_256_128 prf-alg=PRF_HMAC_SHA2_256 dh-group=CURVE_25519 established=10 rekey-time=14000 child-sas {nat-t-3 {name=nat-t uniqueid=3 reqid=1 "
            + "state=INSTALLED mode=TUNNEL protocol=ESP encap=yes spi-in=0a0b0c0d spi-out=c0000001 encr-alg=AES_GCM_16 encr-keysize=128 bytes-in=252 packets-in=3 use-in=2 "
            + "bytes-out=0 packets-out=0 rekey-time=3400 life-time=3950 install-time=9 local-ts=[10.1.0.10/32] remote-ts=[10.2.0.0/16]}}}",
            Raw(SaWriter.ListSa(Sa with { Children = [Child] }, Now)));
    }

    [Theory]
    [InlineData(false, true, false, "nat-remote=yes nat-any=yes")]
    [InlineData(true, true, false, "nat-local=yes nat-remote=yes nat-any=yes")]
    [InlineData(false, false, true, "nat-fake=yes nat-any=yes")]
    public void The_verdict_is_spelt_as_charon_does(bool local, bool remote, bool forced, string expected) =>
        Assert.Contains(" " + expected + " encr-alg", Raw(SaWriter.Ike(Sa with { Nat = new(true, local, remote, forced, false) }, Now)), StringComparison.Ordinal);

    [Fact]
    public void Without_a_NAT_nothing_is_said_of_one() => Assert.DoesNotContain("nat-", Raw(SaWriter.Ike(Sa with { Name = "x", Nat = new(true, false, false, false, false) }, Now)), StringComparison.Ordinal);

    [Fact]
    public void Before_it_is_established_there_are_no_times_and_no_algorithms()
    {
        var raw = Raw(SaWriter.Ike(Sa with { State = IkeState.Connecting, Suite = null, IsInitiator = false, RemoteId = null, Children = [] }, Now));
        Assert.EndsWith("remote-id=%any initiator-spi=0123456789abcdef responder-spi=fedcba9876543210 nat-local=yes nat-any=yes", raw, StringComparison.Ordinal);
        Assert.DoesNotContain("initiator=", raw, StringComparison.Ordinal);
    }

    [Fact]
    public void Virtual_addresses_and_tasks_are_lists_where_there_are_any() =>
        Assert.EndsWith("rekey-time=14000 remote-vips=[10.3.0.1 fec3::1] tasks-active=[IKE_REKEY]", Raw(SaWriter.Ike(Sa with
        {
            RemoteVirtualAddresses = [IpAddress.Parse("10.3.0.1"), IpAddress.Parse("fec3::1")],
            TasksActive = ["IKE_REKEY"],
        }, Now)), StringComparison.Ordinal);

    [Fact]
    public void A_child_with_CBC_and_its_own_group_and_ESN_says_so()
    {
        var child = Child with
        {
            UdpEncapsulated = false,
            Suite = new EspSuite(new Encryption(EncryptionAlgorithm.AesCbc, 256), IntegrityAlgorithm.HmacSha1_96, ExtendedSequenceNumbers.Yes),
            KeyExchange = KeyExchangeMethod.Modp2048,
        };
        Assert.Contains("protocol=ESP spi-in=0a0b0c0d spi-out=c0000001 encr-alg=AES_CBC encr-keysize=256 integ-alg=HMAC_SHA1_96 dh-group=MODP_2048 esn=1 bytes-in", Raw(SaWriter.Child(child, Now)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_filter_leaves_the_IKE_SA_without_the_other_children() =>
        Assert.EndsWith("child-sas {}}", Raw(SaWriter.ListSa(Sa, Now, child => child.Name == "other")), StringComparison.Ordinal);

    /// <summary>As swanctl --raw prints a message.</summary>
    static string Raw(ViciMessage message) => string.Join(' ', message.Select(element => element switch
    {
        ViciElement.Value value => $"{value.Name}={value.Text}",
        ViciElement.List list => $"{list.Name}=[{string.Join(' ', list.Texts)}]",
        ViciElement.Section section => $"{section.Name} {{{Raw(section.Body)}}}",
        _ => throw new InvalidOperationException(),
    }));
}
