using Kuguru.Crypto;
using Kuguru.Ike.V2;
using Kuguru.Tests.Ike;
using Kuguru.Tests.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Clients;

/// <summary>Payloads in a word, and what every client has when it is in.</summary>
static class Talk
{
    public static Payload.SA ForIke(params string[] proposals) => Proposals.Offer(Configs.Ike(string.Join(", ", proposals)), Blob.Empty);

    /// <summary>To rekey with: the SPI of the new IKE SA, and the number that the proposal had when it was chosen.</summary>
    public static Payload.SA ForIke(IkeSpi spi, string proposal, byte number = 1) =>
        new([Proposals.Offer(Configs.Ike(proposal), spi.ToBlob()).Proposals[0] with { Number = number }]);

    public static Payload.SA ForEsp(Spi spi, params string[] proposals) => Proposals.Offer(Configs.Esp(string.Join(", ", proposals)), spi.ToBlob());

    public static Payload.Notify N(NotifyType kind, string hex = "") => new(kind, Blob.FromHex(hex));

    /// <summary>Attributes without values, by number.</summary>
    public static Payload.CP Request(params int[] attributes) =>
        new(ConfigType.Request, attributes.Select(type => new ConfigAttribute((ConfigAttributeType)type)).ToSequence());

    public static Payload.TSi TSi(params string[] ranges) => new(Ranges(ranges));
    public static Payload.TSr TSr(params string[] ranges) => new(Ranges(ranges));

    /// <summary>Everything, which is what clients ask for and leave to the gateway to narrow.</summary>
    public static readonly string[] Everything = ["0.0.0.0/0", "::/0"];

    public static string Text(Payload.TrafficSelectors selectors) => string.Join(' ', Kuguru.Ike.V2.Selectors.Read(selectors));

    /// <summary>Addresses and servers, as the gateway's reply has them: number and value.</summary>
    public static string Text(Payload.CP reply) => string.Join(' ', reply.Attributes.Select(one => $"{(int)one.Type}={one.Address}"));

    public static TlsIdentity Tls(Issued user) => new([user.Certificate.Der], TlsIdentity.RsaSchemes,
        (scheme, data) => user.Keys.Private.Sign(TlsIdentity.IsPss(scheme)
            ? Kuguru.Pki.SignatureScheme.Pss(Kuguru.Pki.SignatureHash.Sha256) : Kuguru.Pki.SignatureScheme.Pkcs1(Kuguru.Pki.SignatureHash.Sha256), data));

    /// <summary>
    /// Both ends have the same child: SPIs, keys, selectors narrowed to the leased addresses, in UDP since a NAT was found. What the client knows of it
    /// comes from the answer alone.
    /// </summary>
    public static void AssertChild(Gateway gateway, ScriptedClient client, IkeMessage answer, Spi spi, Blob ni = default, bool keyExchange = false)
    {
        var sa = answer.Find<Payload.SA>() ?? throw new InvalidOperationException($"{answer}");
        var child = gateway.Installed[Spi.From(sa.Proposals[0].Spi)!.Value];
        Assert.Equal(spi, child.OutboundSpi);
        Assert.True(child.UdpEncapsulated);
        Assert.Equal("10.3.0.1/32 2001:db8:3::1/128", Text(answer.Find<Payload.TSi>()!));
        Assert.Equal("0.0.0.0/0 ::/0", Text(answer.Find<Payload.TSr>()!));
        using var keys = client.ChildKeys(answer, ni, keyExchange);
        Assert.Equal(keys.FromInitiator, child.InboundKeys);
        Assert.Equal(keys.FromResponder, child.OutboundKeys);
    }

    /// <summary>Address of each family and the documented name servers: INTERNAL_IP4_ADDRESS 1, IP6_ADDRESS 8, IP4_DNS 3.</summary>
    public static void AssertConfiguration(IkeMessage answer) =>
        Assert.Equal("1=10.3.0.1 8=2001:db8:3::1 3=9.9.9.9", Text(answer.Find<Payload.CP>()!));

    /// <summary>Nothing is left of anybody, and nobody has complained.</summary>
    public static void AssertGone(Gateway gateway)
    {
        Assert.Empty(gateway.Installed);
        Assert.Empty(gateway.Node.Status(gateway.Now));
        Assert.Equal(0, gateway.Node.Census.EspSpis);
        Assert.Equal(0, gateway.Node.Pools.Status().Sum(pool => pool.Online));
        Assert.Empty(gateway.Failures);
    }

    static Sequence<TrafficSelector> Ranges(string[] ranges) => ranges.Select(Configs.Prefix)
        .Select(TrafficSelector (range) => new TrafficSelector.AddressRange(0, 0, ushort.MaxValue, range.First, range.Last)).ToSequence();
}
