using Kuguru.Ike;
using Kuguru.Wire;
using Kuguru.Wire.Eap;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>EAP inside IKE with somebody who does not want to log in: it ends, in one line, and what is up stays up.</summary>
public class BadEapStories
{
    /// <summary>A gateway that has the keys of IKE, and answers every packet with a question that means nothing.</summary>
    [Fact]
    public void A_gateway_that_only_talks_is_left_after_three_minutes()
    {
        var pair = EapStories.World(EapType.MsChapV2);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(0.18);
        Blob? asked = null;
        pair.World.Loses = (path, bytes) =>
        {
            if (path.Local.Address == pair.Moon.Address)
                asked = bytes;
            return path.Local.Address == pair.Moon.Address;
        };
        var way = new Path(new(pair.Moon.Address, 500), new(pair.Sun.Address, 500));
        var answers = 0;
        for (; answers < 100 && !pair.Moon.IsDone(1); answers++)
        {
            pair.World.Run(3);
            if (asked is { } request && pair.Sun.Sessions.Count > 0)
                pair.Moon.Receive(way, Resealing.Answer(pair.Sun, pair.Moon, request, _ => new Payload.Eap(EapPacket.Request((byte)answers, EapType.Notification, "wait"u8.ToArray()).ToBlob())));
        }
        Assert.Contains("EAP authentication with 'sun.example.org' failed: it has not come to an end in 3 minutes", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Empty(pair.Moon.Sessions);
    }

    public static TheoryData<string, string> Answers => new()
    {
        { "another method", "EAP authentication with 'carol' failed: it changes from EAP_MSCHAPV2 to EAP_MD5 half-way" },
        { "a request", "EAP authentication with 'carol' failed: it sends EAP-Req" },
        { "another number", "EAP authentication with 'carol' failed: its EAP-Res" },
    };

    /// <summary>Carol is logged in already; somebody who is about to changes his mind in the middle.</summary>
    [Theory]
    [MemberData(nameof(Answers))]
    public void A_client_that_changes_the_method_half_way_is_refused_in_one_line_and_others_stay(string what, string expected)
    {
        var pair = EapStories.World(EapType.MsChapV2);
        pair.Up();
        var before = pair.Sun.Installed.Keys.Single();
        var responses = 0;
        pair.World.Changes = (from, to, bytes) => from == pair.Moon
            ? Resealing.WithPayloads(from, to, bytes, payloads => payloads.Select(payload => payload is Payload.Eap eap && ++responses == 3 ? Other(eap, what) : payload).ToSequence()) : bytes;
        pair.Moon.Up(pair.Sun, token: 2);
        pair.World.Run(4);
        Assert.NotNull(pair.Moon.Outcome(2));
        Assert.StartsWith(expected, Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Untouched(pair, before);
    }

    static void Untouched(Pair pair, Spi tunnel)
    {
        Assert.Equal(tunnel, Assert.Single(pair.Sun.Installed).Key);
        Assert.Equal(IkeState.Established, Assert.Single(pair.Sun.Sessions).State);
    }

    static Payload.Eap Other(Payload.Eap eap, string what)
    {
        Assert.True(EapPacket.TryParse(eap.Message, out var packet, out _));
        return new((what switch
        {
            "another method" => EapPacket.Response(packet.Identifier, EapType.Md5Challenge, new byte[17]),
            "a request" => EapPacket.Request(packet.Identifier, EapType.Md5Challenge, new byte[17]),
            _ => packet with { Identifier = (byte)(packet.Identifier + 1) },
        }).ToBlob());
    }

    /// <summary>Records that announce more than there is, that grow when they are read, or that never end.</summary>
    [Theory]
    [InlineData("80ffffffff1603010001", "it announces 4294967295 octets, more than 65536")]
    [InlineData("001603030005ffffffffff", "TLS ends with our alert")]
    [InlineData("0016030300040100ffff", "TLS ends with our alert")]
    [InlineData("00170303ffff00", "TLS ends with our alert")]
    public void A_bomb_of_TLS_records_is_refused_in_one_line_and_others_stay(string hex, string expected)
    {
        var pair = EapStories.World(EapType.MsChapV2).Up();
        var before = pair.Sun.Installed.Keys.Single();
        EapStories.SwitchToTls(pair);
        pair.World.Changes = (from, to, bytes) => from == pair.Moon
            ? Resealing.WithPayloads(from, to, bytes, payloads => payloads.Select(payload => payload is Payload.Eap eap && EapPacket.TryParse(eap.Message, out var packet, out _) && packet.Method == EapType.Tls
                ? new Payload.Eap((packet with { Data = Blob.FromHex(hex) }).ToBlob()) : payload).ToSequence()) : bytes;
        pair.Moon.Up(pair.Sun, token: 2);
        pair.World.Run(4);
        Assert.NotNull(pair.Moon.Outcome(2));
        Assert.Contains(expected, Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Untouched(pair, before);
    }

    /// <summary>Octet after octet in fragments that announce more: what is kept is bounded, and so is the time.</summary>
    [Fact]
    public void Fragments_without_an_end_are_cut_off()
    {
        var pair = EapStories.World(EapType.MsChapV2).Up();
        EapStories.SwitchToTls(pair);
        pair.Moon.Up(pair.Sun, token: 2);
        var sent = 0;
        pair.World.Changes = (from, to, bytes) => from == pair.Moon
            ? Resealing.WithPayloads(from, to, bytes, payloads => payloads.Select(payload => payload is Payload.Eap eap && EapPacket.TryParse(eap.Message, out var packet, out _) && packet.Method == EapType.Tls && sent++ >= 0
                ? new Payload.Eap((packet with { Data = (byte[])[0x40, .. new byte[1100]] }).ToBlob()) : payload).ToSequence()) : bytes;
        pair.World.Run(40);
        Assert.NotNull(pair.Moon.Outcome(2));
        Assert.InRange(sent, 1, 100);
        Assert.Single(pair.Sun.Failures);
        Assert.Single(pair.Sun.Sessions);
    }
}
