using Kuguru.Engine;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Engine;

public class CookieJarTests
{
    static readonly Endpoint Peer = new(IpAddress.Parse("198.51.100.7"), 1024);
    static readonly Instant Start = new(1);

    readonly CookieJar _jar = new(new CountingDice());

    [Fact]
    public void The_cookie_that_was_given_is_accepted() => Assert.True(_jar.Accepts(Start, Cookied(), Peer));

    [Fact]
    public void The_NAT_may_change_the_port_in_between() => Assert.True(_jar.Accepts(Start, Cookied(), Peer with { Port = 5000 }));

    [Theory]
    [InlineData(0, true)]
    [InlineData(59, true)]
    [InlineData(100, true)]
    [InlineData(121, false)]
    [InlineData(3600, false)]
    public void A_cookie_lives_for_one_to_two_minutes(int seconds, bool accepted) =>
        Assert.Equal(accepted, _jar.Accepts(Start + TimeSpan.FromSeconds(seconds), Cookied(), Peer));

    [Fact]
    public void Another_address_nonce_or_SPI_is_refused()
    {
        var cookied = Cookied();
        Assert.False(_jar.Accepts(Start, cookied, Peer with { Address = IpAddress.Parse("198.51.100.8") }));
        Assert.False(_jar.Accepts(Start, cookied with { InitiatorSpi = new(2) }, Peer));
        Assert.False(_jar.Accepts(Start, cookied with { Payloads = [cookied.Payloads[0], new Payload.Nonce(Blob.FromHex("00ff"))] }, Peer));
        Assert.False(_jar.Accepts(Start, First(), Peer));
    }

    IkeMessage Cookied()
    {
        var first = First();
        return first with { Payloads = [new Payload.Notify(NotifyType.Cookie, _jar.For(Start, first, Peer)), first.Payloads[0]] };
    }

    static IkeMessage First() => new(new(1), default, ExchangeType.IkeSaInit, IkeFlags.Initiator, MessageId.Zero,
        [new Payload.Nonce(Blob.FromHex("000102030405060708090a0b0c0d0e0f"))]);

    sealed class CountingDice : Dice
    {
        byte _next;
        public override void Fill(Span<byte> bytes)
        {
            for (var i = 0; i < bytes.Length; i++)
                bytes[i] = _next++;
        }
    }
}
