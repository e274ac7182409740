using Kuguru.Nat;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Nat;

public class NatDetectionTests
{
    static readonly IkeSpi s_i = new(0x1122334455667788), s_r = new(0);
    static readonly Endpoint s_us = At("203.0.113.1", 500), s_peer = At("198.51.100.7", 500), s_private = At("192.168.1.5", 500);

    [Fact]
    public void The_hash_is_sha1_over_spis_address_and_port()
    {
        var hash = NatDetection.Hash(s_i, s_r, At("192.0.2.1", 500));
        Assert.Equal(System.Security.Cryptography.SHA1.HashData(Convert.FromHexString("1122334455667788" + "0000000000000000" + "c0000201" + "01f4")), hash.ToArray());
    }

    [Fact]
    public void The_hash_of_an_IPv6_endpoint_covers_all_16_octets()
    {
        var hash = NatDetection.Hash(s_i, s_r, At("2001:db8::1", 4500));
        Assert.Equal(
            System.Security.Cryptography.SHA1.HashData(Convert.FromHexString("1122334455667788" + "0000000000000000" + "20010db8000000000000000000000001" + "1194")),
            hash.ToArray());
    }

    public static TheoryData<string, string[], string[], string> Verdicts() => new()
    {
        { "nothing at all", [], [], "unsupported" },
        { "no destination", [Hash(s_peer)], [], "unsupported" },
        { "no source", [], [Hash(s_us)], "unsupported" },
        { "both fit", [Hash(s_peer)], [Hash(s_us)], "none" },
        { "one of several sources fits", [Hash(s_private), Hash(At("10.0.0.1", 500)), Hash(s_peer)], [Hash(s_us)], "none" },
        { "one of several destinations fits", [Hash(s_peer)], [Hash(s_private), Hash(s_us)], "none" },
        { "the source is another address", [Hash(s_private)], [Hash(s_us)], "remote" },
        { "the source is another port", [Hash(s_peer with { Port = 1024 })], [Hash(s_us)], "remote" },
        { "none of several sources fits", [Hash(s_private), Hash(At("10.0.0.1", 500))], [Hash(s_us)], "remote" },
        { "the destination is another address", [Hash(s_peer)], [Hash(s_private)], "local" },
        { "the destination is another port", [Hash(s_peer)], [Hash(s_us with { Port = 4500 })], "local" },
        { "neither fits", [Hash(s_private)], [Hash(s_private)], "both" },
        { "source and destination swapped", [Hash(s_us)], [Hash(s_peer)], "both" },
        { "too short", [Hash(s_peer)[..38]], [Hash(s_us)[..38]], "both" },
        { "too long", [Hash(s_peer) + "00"], [Hash(s_us)], "remote" },
        { "empty", [""], [Hash(s_us)], "remote" },
    };

    [Theory]
    [MemberData(nameof(Verdicts))]
    public void Where_the_NAT_is_follows_from_the_hashes(string because, string[] sources, string[] destinations, string verdict)
    {
        var judged = NatDetection.Judge(s_i, s_r, new(s_us, s_peer), [.. sources.Select(Blob.FromHex)], [.. destinations.Select(Blob.FromHex)], forced: false);
        Assert.True(verdict == judged.ToString(), because);
        Assert.Equal(verdict is "remote" or "local" or "both", judged.Encapsulate);
    }

    [Fact]
    public void The_hashes_are_over_the_SPIs_of_the_message_that_brings_them()
    {
        var judged = NatDetection.Judge(s_i, new(5), new(s_us, s_peer), [Blob.FromHex(Hash(s_peer))], [Blob.FromHex(Hash(s_us))], forced: false);
        Assert.Equal("both", judged.ToString());
    }

    [Fact]
    public void A_claimed_NAT_of_ours_encapsulates_but_is_none()
    {
        var judged = NatDetection.Judge(s_i, s_r, new(s_us, s_peer), [Blob.FromHex(Hash(s_peer))], [Blob.FromHex(Hash(s_us))], forced: true);
        Assert.Equal((true, false, false, true), (judged.Forced, judged.Local, judged.Remote, judged.Encapsulate));
        Assert.Equal("forced", judged.ToString());
    }

    [Theory]
    [InlineData("198.51.100.7", 500, true)]
    [InlineData("2001:db8::1", 4500, true)]
    [InlineData("192.168.0.7", 1024, true)]
    public void A_forced_hash_fits_nothing_and_is_recognised(string address, int port, bool looksForced)
    {
        var peer = At(address, (ushort)port);
        var judged = NatDetection.Judge(s_i, s_r, new(s_us, peer), [NatDetection.ForcedHash(s_i, s_r, peer)], [Blob.FromHex(Hash(s_us))], forced: false);
        Assert.Equal((true, looksForced), (judged.Remote, judged.LooksForced));
    }

    [Theory]
    [InlineData("192.168.0.7", 500, true)]
    [InlineData("192.168.0.7", 4500, true)]
    [InlineData("192.168.0.7", 1031, false)]
    [InlineData("198.51.100.7", 500, false)]
    [InlineData("198.51.100.7", 4500, false)]
    public void A_hash_of_a_random_address_looks_forced_only_where_no_NAT_can_be(string address, int port, bool looksForced)
    {
        var judged = NatDetection.Judge(s_i, s_r, new(s_us, At(address, (ushort)port)), [Blob.FromHex(Hash(At("77.66.55.44", 0)))], [Blob.FromHex(Hash(s_us))], forced: false);
        Assert.Equal((true, looksForced), (judged.Remote, judged.LooksForced));
    }

    static Endpoint At(string address, ushort port) => new(IpAddress.Parse(address), port);
    static string Hash(Endpoint endpoint) => NatDetection.Hash(s_i, s_r, endpoint).ToString();
}
