using Kuguru.Ike;
using Kuguru.Tests.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Whoever's address stands in a first message: he gets no more octets than were spent on it.</summary>
public class AmplificationTests
{
    static readonly Authority Root = Authority.Root();

    public static TheoryData<string, int> Suites()
    {
        var suites = new TheoryData<string, int>();
        foreach (var suite in (string[])["aes128-sha256-x25519", "aes128gcm16-prfsha512-ecp521", "default", "aes256-sha384-modp8192"])
        {
            foreach (var nonce in (int[])[16, 17, 32, 256])
                suites.Add(suite, nonce);
        }
        return suites;
    }

    [Theory]
    [MemberData(nameof(Suites))]
    public void No_answer_to_a_first_message_is_longer_than_it(string suite, int nonce)
    {
        var pair = new Pair(
            moon: c => c with { Proposals = Configs.Ike(suite), Fragmentation = false },
            sun: c => c with { Proposals = Configs.Ike(suite) });
        pair.Sun.LocalAddresses = [.. Enumerable.Range(1, 9).Select(i => IpAddress.V4(0xC0000200 + (uint)i))];
        Blob request = default;
        pair.World.Loses = (_, bytes) => { request = bytes; return true; };
        pair.Moon.Up(pair.Sun);
        Assert.True(IkeMessage.TryParse(request, out var message, out _));
        var sa = message!.Find<Payload.SA>()!;
        var chosen = Kuguru.Ike.V2.Proposals.Choose(Configs.Ike(suite), sa)!;
        var group = chosen.KeyExchange;
        // Ours may not be shorter than half of the PRF's key, and nor may theirs (RFC 7296 section 2.10).
        nonce = Math.Max(nonce, Kuguru.Crypto.Prf.Of(chosen.Prf).Length / 2);
        Sequence<Payload> least =
        [
            sa with { Proposals = [sa.Proposals[0]] }, new Payload.KE((ushort)group, KeyFor(group)), new Payload.Nonce(new byte[nonce]),
        ];
        for (var payloads = 0; payloads <= least.Count; payloads++)
            Assert.InRange(Answer(pair, message with { Payloads = least.Take(payloads).ToSequence() }), int.MinValue, 0);
        Assert.InRange(Answer(pair, message), int.MinValue, 0);
        Assert.InRange(Answer(pair, message with { Payloads = [.. least, new Payload.Unknown((PayloadType)99, true, Blob.Empty)] }), int.MinValue, 0);
        Assert.InRange(Answer(pair, message with { Payloads = [least[0], new Payload.KE(1, new byte[96]), least[2]] }), int.MinValue, 0);
        Assert.Equal(2, pair.Sun.Sessions.Count);
    }

    /// <summary>A CERTREQ names every authority: what a gateway with hundreds of them sends to a stranger.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(40)]
    public void Authorities_are_named_to_a_stranger_within_128_octets_more_than_he_has_sent(int authorities)
    {
        var pair = CertificateStories.Pair(Root.Issue("moon.example.org"), Root.Issue("sun.example.org"), changeSun: c => c with { Ocsp = OcspPolicy.Request }, authority: Root);
        for (var i = 1; i < authorities; i++)
        {
            pair.Sun.Certificates.Add(Authority.Root($"CA {i}").Certificate);
            pair.Sun.Certificates.AddOcspSigner(Authority.Root($"OCSP {i}").Certificate);
        }
        Blob request = default;
        pair.World.Loses = (_, bytes) => { request = bytes; return true; };
        pair.Moon.Up(pair.Sun);
        Assert.True(IkeMessage.TryParse(request, out var message, out _));
        var bare = message with { Payloads = message.Payloads.Where(payload => payload is Payload.SA or Payload.KE or Payload.Nonce).ToSequence() };
        Assert.InRange(Answer(pair, bare), int.MinValue, Kuguru.Ike.V2.IkeSaInit.MostExcess);
        Assert.InRange(Answer(pair, message), int.MinValue, Kuguru.Ike.V2.IkeSaInit.MostExcess);
        // However many there are, it is said that certificates and their status are wished for.
        Blob response = default;
        pair.World.Loses = (_, bytes) => { response = bytes; return true; };
        pair.Sun.Receive(new(new(pair.Sun.Address, 500), new(pair.Moon.Address, 501)), request);
        Assert.True(IkeMessage.TryParse(response, out var answered, out _));
        Assert.Equal([CertEncoding.X509Signature, CertEncoding.OcspContent], answered!.All<Payload.CertReq>().Select(asked => asked.Encoding));
    }

    [Fact]
    public void A_message_that_is_shorter_than_its_refusal_is_not_refused()
    {
        var pair = new Pair();
        var bare = new IkeMessage(new(7), default, ExchangeType.IkeSaInit, IkeFlags.Initiator, default, []);
        Assert.Equal(-28, Answer(pair, bare));
        Assert.Equal(1, pair.Sun.Drops[IkeDrop.Malformed]);
    }

    static Blob KeyFor(Kuguru.Crypto.KeyExchangeMethod group)
    {
        using var exchange = Kuguru.Crypto.KeyExchange.Start(group, new SeededDice(1));
        return exchange.PublicValue;
    }

    /// <summary>By how many octets the answer is longer; with nothing answered, minus the length of the request.</summary>
    static int Answer(Pair pair, IkeMessage request)
    {
        var sent = 0;
        pair.World.Loses = (_, bytes) => { sent += bytes.Length; return true; };
        var message = request.Write();
        pair.Sun.Receive(new(new(pair.Sun.Address, 500), new(IpAddress.V4((uint)message.Length), (ushort)(request.Payloads.Count + 1))), message);
        return sent - message.Length;
    }
}
