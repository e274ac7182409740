using Kuguru.Ike;
using Kuguru.Ike.V2;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>What configuration says about the life of a child: idle children, IKE SAs without children, refusals, garbage.</summary>
public class ActionStories
{
    [Fact]
    public void A_child_through_which_nothing_goes_is_closed_and_one_that_is_used_stays()
    {
        var pair = new Pair(moon: c => c with { Children = [c.Children[0] with { Inactivity = TimeSpan.FromSeconds(10) }] }).Up();
        var usage = pair.Moon.Installed.Values.Single().Usage;
        for (var i = 0; i < 5; i++)
        {
            pair.World.Run(6);
            usage.CountInbound(pair.World.Now, 1, 100);
        }
        Assert.Single(pair.Moon.Installed);
        pair.World.Run(10.5);
        Assert.Empty(pair.Moon.Installed);
        Assert.Empty(pair.Sun.Installed);
        Assert.Equal(CloseAction.Clear, pair.Moon.Events.OfType<Event.ChildDown>().Single().Next);
        Assert.Equal(IkeState.Established, pair.Moon.Session.State);
    }

    [Fact]
    public void New_keys_are_no_use_of_an_idle_child()
    {
        var pair = new Pair(moon: c => c with { Children = [c.Children[0] with { Inactivity = TimeSpan.FromSeconds(100), RekeyTime = TimeSpan.FromSeconds(60) }] }).Up();
        pair.World.Run(99);
        Assert.Empty(pair.Moon.Installed);
    }

    [Fact]
    public void By_setting_the_IKE_SA_goes_with_its_last_idle_child()
    {
        var pair = new Pair(moon: c => c with { Children = [c.Children[0] with { Inactivity = TimeSpan.FromSeconds(10) }] });
        pair.Moon.Settings = pair.Moon.Settings with { InactivityCloseIke = true };
        pair.Up();
        pair.World.Run(10);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Theory] // RFC 6023
    [InlineData(ChildlessPolicy.Allow, ChildlessPolicy.Allow, "IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH, SA, TSi, TSr }")]
    [InlineData(ChildlessPolicy.Prefer, ChildlessPolicy.Allow, "IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH }")]
    [InlineData(ChildlessPolicy.Force, ChildlessPolicy.Allow, "IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH }")]
    [InlineData(ChildlessPolicy.Force, ChildlessPolicy.Force, "CREATE_CHILD_SA request 2 { SA, Ni, KEi, TSi, TSr }")]
    [InlineData(ChildlessPolicy.Prefer, ChildlessPolicy.Never, "IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, AUTH, SA, TSi, TSr }")]
    public void Without_a_child_in_IKE_AUTH_it_comes_right_afterwards(ChildlessPolicy moon, ChildlessPolicy sun, string expected)
    {
        var pair = new Pair(moon: c => c with { Childless = moon }, sun: c => c with { Childless = sun });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Contains(expected, pair.World.Transcript, StringComparison.Ordinal);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Single(pair.Moon.Installed);
        Assert.Single(pair.Sun.Installed);
    }

    [Fact]
    public void Who_forces_it_does_not_talk_to_a_peer_that_cannot()
    {
        var pair = new Pair(moon: c => c with { Childless = ChildlessPolicy.Force }, sun: c => c with { Childless = ChildlessPolicy.Never });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Equal("192.0.2.2 does not take an IKE SA without a child (RFC 6023): take out 'childless = force'", pair.Moon.Outcome(1)?.Sentence);
    }

    [Fact]
    public void Who_forces_it_takes_no_other()
    {
        var pair = new Pair(sun: c => c with { Childless = ChildlessPolicy.Force });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.NotNull(pair.Moon.Outcome(1));
        Assert.Empty(pair.Sun.Sessions);
        Assert.Contains("childless = force", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_first_child_takes_the_IKE_SA_along_by_setting()
    {
        foreach (var closes in (bool[])[true, false])
        {
            var pair = new Pair(sun: c => c with { Children = [c.Children[0] with { Proposals = Configs.Esp("aes256-sha256") }] });
            pair.Moon.Settings = pair.Moon.Settings with { CloseIkeOnChildFailure = closes };
            pair.Moon.Up(pair.Sun);
            pair.World.Run(2);
            Assert.NotNull(pair.Moon.Outcome(1));
            Assert.Equal(closes ? 0 : 1, pair.Moon.Sessions.Count);
        }
    }

    [Fact]
    public void What_nobody_waits_for_is_asked_for_again_and_told_of_once()
    {
        var pair = new Pair(moon: c => c with { KeyingTries = 0 }, sun: c => c with { Children = [] });
        pair.Moon.Up(pair.Sun, token: 0);
        pair.World.Run(2);
        pair.World.Run(3600);
        Assert.InRange(pair.World.Transcript.Split('\n').Count(line => line.Contains("CREATE_CHILD_SA request", StringComparison.Ordinal)), 8, 16);
        Assert.InRange(pair.Moon.Failures.Count(), 1, 2);
        pair.Sun.Connections.Clear();
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("nonce only")]
    [InlineData("foreign algorithms")]
    [InlineData("another group every time")]
    [InlineData("busy for ever")]
    [InlineData("an error without a name")]
    [InlineData("our own question")]
    public void A_peer_that_answers_every_rekeying_with_garbage_costs_a_few_messages_and_one_line(string garbage)
    {
        static Connection Hasty(Connection c) => c with
        {
            RekeyTime = TimeSpan.FromMinutes(3),
            OverTime = TimeSpan.FromHours(2),
            RandTime = TimeSpan.Zero,
            Proposals = Configs.Ike("aes128-sha256-x25519-ecp256"),
            Children = [c.Children[0] with { Proposals = Configs.Esp("aes128gcm16-x25519-ecp256"), RekeyTime = TimeSpan.FromMinutes(2), LifeTime = TimeSpan.FromHours(2), RandTime = TimeSpan.Zero }],
        };
        var pair = new Pair(moon: Hasty);
        // Another tunnel of the same host, with a peer that means well.
        var other = pair.World.Add("192.0.2.3", seed: 3);
        pair.Moon.Connections.Add(Hasty(Configs.Connection("moon.example.org", "other.example.org", Configs.Child("net", "10.1.0.0/16", "10.3.0.0/16"))) with { Name = "other" });
        other.Connections.Add(Configs.Connection("other.example.org", "moon.example.org", Configs.Child("net", "10.3.0.0/16", "10.1.0.0/16")));
        pair.Moon.Keys.Add(Configs.Key("another", "other.example.org"));
        other.Keys.Add(Configs.Key("another", "moon.example.org"));
        pair.Moon.Up(other, token: 2, connection: "other");
        pair.Up();
        var answers = 0;
        Blob Spoil(Host from, Host to, Blob bytes)
        {
            if (from != pair.Sun || !IkeMessage.TryParse(bytes.Span, out var message, out _) || message is not { Exchange: ExchangeType.CreateChildSa, IsResponse: true })
                return bytes;
            answers++;
            var phase = (KeyedPhase)pair.Sun.Sessions.Concat(pair.Sun.Past).OfType<IkeV2Session>().First(session => session.LocalSpi == message.InitiatorSpi || session.LocalSpi == message.ResponderSpi).Phase;
            Sequence<Payload> payloads = garbage switch
            {
                "nothing" => [],
                "nonce only" => [new Payload.Nonce(new byte[32])],
                "foreign algorithms" => [Proposals.Offer(Configs.Esp("aes256-sha512"), new byte[] { 1, 2, 3, 4 }, keyExchange: false), new Payload.Nonce(new byte[32])],
                "another group every time" => [new Payload.Notify(NotifyType.InvalidKePayload, new byte[] { 0, (byte)(answers % 2 == 0 ? 31 : 19) })],
                "busy for ever" => [new Payload.Notify(NotifyType.TemporaryFailure)],
                "an error without a name" => [new Payload.Notify((NotifyType)8191)],
                _ => [new Payload.Notify(ProtocolId.Esp, new byte[] { 1, 2, 3, 4 }, NotifyType.RekeySa, Blob.Empty), new Payload.Nonce(new byte[32])],
            };
            return phase.Keying.Seal(message with { Payloads = [] }, payloads, pair.Sun.Dice);
        }
        pair.World.Changes = Spoil;
        pair.World.Run(3600);
        Assert.InRange(answers, 2, 120);
        // One line for the child, one for the IKE SA; and one when the peer, which took its own answer for good, has gone elsewhere.
        Assert.InRange(pair.Moon.Failures.Count(), 1, 3);
        Assert.Empty(other.Failures);
        Assert.Empty(other.Events.OfType<Event.ChildDown>());
        Assert.InRange(other.Events.OfType<Event.ChildRekeyed>().Count(), 28, 30);
        Assert.InRange(other.Events.OfType<Event.IkeRekeyed>().Count(), 18, 20);
    }
}
