using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Engine;

/// <summary>What is said in clear of SAs that are gone (RFC 7296 sections 1.5 and 2.21.4): told after a restart, and believed of nobody.</summary>
public class HintTests
{
    static readonly IpAddress s_stranger = IpAddress.Parse("203.0.113.9");

    [Theory]
    [InlineData(StartAction.Start, CloseAction.Clear, 1)]
    [InlineData(StartAction.None, CloseAction.Start, 1)]
    [InlineData(StartAction.None, CloseAction.Clear, 0)]
    public void A_peer_that_uses_SAs_of_before_our_restart_is_told_asks_and_is_back_within_ten_seconds(StartAction start, CloseAction dpd, int back)
    {
        var pair = new NodePair(c => c with { Children = [c.Children[0] with { StartAction = start, DpdAction = dpd }] });
        if (start == StartAction.None)
            pair.Up();
        pair.Run(2);
        var lost = Child(pair.Moon).OutboundSpi;
        Crash(pair, pair.Sun);
        pair.Sun.Tell(Unknown(pair, lost, octets: 120));
        pair.Run(10);
        Assert.Equal(back, pair.Moon.Sas.Count());
        Assert.Equal(back, pair.Sun.Sas.Count());
        Assert.Contains(pair.Moon.Failures, why => why.Contains("knows nothing of this IKE SA any more", StringComparison.Ordinal));
        if (back > 0)
            Assert.Equal((Child(pair.Sun).InboundSpi, Child(pair.Sun).OutboundSpi), (Child(pair.Moon).OutboundSpi, Child(pair.Moon).InboundSpi));
    }

    [Fact]
    public void So_is_one_whose_first_question_was_lost()
    {
        var pair = new NodePair(c => c with { DpdDelay = TimeSpan.FromSeconds(5), Children = [c.Children[0] with { DpdAction = CloseAction.Start }] }).Up();
        Crash(pair, pair.Sun);
        var lost = 0;
        pair.Loses = (from, _) => from == pair.Moon && lost++ == 0;
        pair.Run(17);
        Assert.True(lost > 1);
        Assert.Single(pair.Sun.Sas);
        Assert.Equal(Child(pair.Sun).InboundSpi, Child(pair.Moon).OutboundSpi);
    }

    [Fact]
    public void So_is_one_whose_peer_had_asked_for_the_new_keys_of_the_IKE_SA_and_has_said_nothing_since()
    {
        var pair = new NodePair(c => c with { Children = [c.Children[0] with { DpdAction = CloseAction.Start }] }).Up();
        pair.Sun.Order(token => new Order.Rekey(token, new SaFilter(Ike: "gw")));
        pair.Run(2);
        var spi = Child(pair.Moon).OutboundSpi;
        Crash(pair, pair.Sun);
        pair.Sun.Tell(Unknown(pair, spi, octets: 120));
        pair.Run(10);
        Assert.Single(pair.Sun.Sas);
        Assert.Equal(Child(pair.Sun).InboundSpi, Child(pair.Moon).OutboundSpi);
    }

    [Fact]
    public void A_thousand_forged_hints_cost_a_question_and_end_nothing()
    {
        var pair = new NodePair().Up();
        var (path, spi, asked) = (new Path(new(pair.Moon.Address, 500), new(pair.Sun.Address, 500)), Child(pair.Moon).OutboundSpi, 0);
        var hint = Message(ExchangeType.Informational, IkeFlags.Initiator, default, NotifyType.InvalidSpi, spi.ToBlob());
        pair.Loses = (from, bytes) =>
        {
            asked += from == pair.Moon && Header(bytes) is { Exchange: ExchangeType.Informational, IsResponse: false } ? 1 : 0;
            return false;
        };
        for (var i = 0; i < 1000; i++)
        {
            pair.Moon.Receive(path, hint);
            pair.Run(0.001);
        }
        Assert.Equal(1, asked);
        pair.Moon.Receive(path with { Remote = new(s_stranger, 500) }, hint);
        pair.Run(30);
        Assert.Equal(1, asked);
        Assert.Single(pair.Moon.Sas);
        Assert.Empty(pair.Moon.Failures);
    }

    [Fact]
    public void Denials_of_an_IKE_SA_before_the_true_answer_end_nothing()
    {
        var pair = new NodePair(c => c with { DpdDelay = TimeSpan.FromSeconds(5) }).Up();
        var path = new Path(new(pair.Moon.Address, 500), new(pair.Sun.Address, 500));
        var denied = 0;
        pair.Loses = (from, bytes) =>
        {
            if (from != pair.Moon || Header(bytes) is not { Exchange: ExchangeType.Informational, IsResponse: false } question)
                return false;
            // Whoever sees the question is quicker than the peer, whose answer comes 100 ms later.
            denied++;
            var denial = new IkeMessage(question.InitiatorSpi, question.ResponderSpi, question.Exchange, IkeFlags.Response, question.MessageId,
                [new Payload.Notify(NotifyType.InvalidIkeSpi)]).Write();
            for (var i = 0; i < 100; i++)
                pair.Deliver(pair.Moon, path, denial);
            return false;
        };
        pair.Run(60);
        Assert.InRange(denied, 10, 13);
        Assert.Equal(1u, Assert.Single(pair.Moon.Sas).UniqueId);
        Assert.Empty(pair.Moon.Failures);
    }

    [Fact]
    public void Hints_are_rare_and_never_longer_than_what_they_answer()
    {
        var pair = new NodePair().Up();
        var told = new List<Blob>();
        pair.Loses = (from, bytes) =>
        {
            told.Add(bytes);
            return true;
        };
        // The peer whom an IKE SA could tell is told nothing.
        pair.Sun.Tell(Unknown(pair, new Spi(0x12345678), octets: 1000));
        Assert.Empty(told);
        var stranger = new Path(new(pair.Sun.Address, 4500), new(s_stranger, 4500));
        pair.Sun.Tell(new Order.EspUnknown(new Spi(0x12345678), stranger, UdpEncapsulated: true, Octets: 36));
        Assert.Empty(told);
        for (var i = 0; i < 10_000; i++)
        {
            pair.Sun.Tell(new Order.EspUnknown(new Spi(0x12345678 + (uint)i), stranger, UdpEncapsulated: true, Octets: 100));
            pair.Run(0.0001);
        }
        Assert.InRange(told.Count, 40, 100);
        Assert.All(told, hint => Assert.InRange(hint.Length, 0, 100));
    }

    /// <summary>It forgets everything, and nobody hears of it.</summary>
    static void Crash(NodePair pair, NodePair.Side side)
    {
        pair.Loses = (_, _) => true;
        side.Order(token => new Order.Terminate(token, new SaFilter(Ike: "gw"), Force: true));
        Assert.Empty(side.Sas);
        pair.Loses = (_, _) => false;
    }

    static Order.EspUnknown Unknown(NodePair pair, Spi spi, int octets) =>
        new(spi, new(new(pair.Sun.Address, 0), new(pair.Moon.Address, 0)), UdpEncapsulated: false, octets);

    static ChildSaStatus Child(NodePair.Side side) => Assert.Single(Assert.Single(side.Sas).Children);

    static Blob Message(ExchangeType exchange, IkeFlags flags, MessageId id, NotifyType kind, Blob data) =>
        new IkeMessage(default, default, exchange, flags, id, [new Payload.Notify(kind, data)]).Write();

    static IkeHeader Header(Blob bytes) => IkeHeader.TryRead(bytes.Span, out var header) ? header : default;
}
