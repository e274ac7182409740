using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Esp;
using Kuguru.Wire;

namespace Kuguru.Tests.Esp;

/// <summary>Two ends with one pair of SAs between them, 10.1.0.0/16 and fd01::/16 at A's, 10.2.0.0/16 and fd02::/16 at B's.</summary>
sealed class Tunnel : IDisposable
{
    public static Path PathToB { get; } = new(new(IpAddress.Parse("192.0.2.1"), 4500), new(IpAddress.Parse("198.51.100.2"), 4500));
    public static Path PathToA { get; } = PathToB.Reversed();
    public static Spi SpiOfA { get; } = new(0xA0000001);
    public static Spi SpiOfB { get; } = new(0xB0000001);

    public static ImmutableArray<Selector> SelectorsOfA { get; } = [Prefix("10.1.0.0", 16), Prefix("fd01::", 16)];
    public static ImmutableArray<Selector> SelectorsOfB { get; } = [Prefix("10.2.0.0", 16), Prefix("fd02::", 16)];

    public static EspSuite Gcm128 { get; } = Suite(EncryptionAlgorithm.AesGcm16, 128);

    Tunnel(End a, End b) => (A, B) = (a, b);

    public End A { get; }
    public End B { get; }

    public static Tunnel Between(
        ChildSuite? suite = null, Coalescing coalescing = Coalescing.None,
        Func<SaDescription, SaDescription>? a = null, Func<SaDescription, SaDescription>? b = null)
    {
        var tunnel = new Tunnel(new End(coalescing) { Home = PathToB }, new End(coalescing));
        tunnel.A.Table.Install((a ?? (sa => sa))(AtA(suite ?? Gcm128)));
        tunnel.B.Table.Install((b ?? (sa => sa))(AtB(suite ?? Gcm128)));
        return tunnel;
    }

    /// <summary>What A sends comes in at B at once.</summary>
    public Tunnel Connected()
    {
        A.Forward = sent => B.Receive(sent);
        return this;
    }

    public static SaDescription AtA(ChildSuite suite, uint generation = 0) => new()
    {
        InboundSpi = new(SpiOfA.Value + generation),
        OutboundSpi = new(SpiOfB.Value + generation),
        Suite = suite,
        InboundKeys = Keys(suite, 1),
        OutboundKeys = Keys(suite, 2),
        Local = SelectorsOfA,
        Remote = SelectorsOfB,
        Path = PathToB,
        UdpEncapsulated = true,
        ReqId = 1,
        Usage = new(),
    };

    public static SaDescription AtB(ChildSuite suite, uint generation = 0) => AtA(suite) with
    {
        InboundSpi = new(SpiOfB.Value + generation),
        OutboundSpi = new(SpiOfA.Value + generation),
        InboundKeys = Keys(suite, 2),
        OutboundKeys = Keys(suite, 1),
        Local = SelectorsOfB,
        Remote = SelectorsOfA,
        Path = PathToA,
        Usage = new(),
    };

    public static EspSuite Suite(
        EncryptionAlgorithm encryption, int bits, IntegrityAlgorithm integrity = IntegrityAlgorithm.None, bool esn = false) =>
        new(new(encryption, bits), integrity, esn ? ExtendedSequenceNumbers.Yes : ExtendedSequenceNumbers.No);

    public static Selector Prefix(string address, int bits, byte protocol = 0, ushort firstPort = 0, ushort lastPort = ushort.MaxValue) =>
        new(AddressRange.Prefix(IpAddress.Parse(address), bits), protocol, firstPort, lastPort);

    public static EspKeys Keys(ChildSuite suite, int seed) => new(
        Secret.Random(suite.EncryptionKeyLength, new TestDice(seed)), Secret.Random(suite.IntegrityKeyLength, new TestDice(seed + 100)));

    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }
}

static class PathExtensions
{
    /// <summary>The same path as the other end sees it.</summary>
    public static Path Reversed(this Path path) => new(path.Remote, path.Local);
}
