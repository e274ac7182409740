using Kuguru.Ike;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Moon, behind a NAT or a firewall, learns how long it remembers, and what she learned stays.</summary>
public class MappingStories
{
    const ushort ProbePort = 40404;

    static readonly TimeSpan Begin = TimeSpan.FromSeconds(30);

    [Fact]
    public void The_peer_speaks_to_another_port_after_a_silence_while_all_else_goes_on()
    {
        var pair = Examining(new Napt("203.0.113.9"));
        pair.World.Run(64);
        Assert.Equal($$"""
            20.10 > 1025>4500 keepalive
            30.20 > 1025>4500 INFORMATIONAL request 2 { N(UPDATE_SA_ADDRESSES), N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP) }
            30.25 < 4500>1025 {{Answer}} 2 {{Seen}}
            30.30 > 1026>4500 {{Question}} 3 { N(SPEAK_AGAIN) }
            30.35 < 4500>1026 {{Answer}} 3 { }
            33.40 > 1026>4500 {{Question}} 4 { N(SPEAK_AGAIN) }
            33.45 < 4500>1026 {{Answer}} 4 { }
            36.50 > 1026>4500 {{Question}} 5 { N(SPEAK_AGAIN) }
            36.55 < 4500>1026 {{Answer}} 5 { }
            50.20 > 1025>4500 keepalive
            61.55 < 4500>1026 {{Answer}} 5 { N(SPEAK_AGAIN) }
            61.60 > 1025>4500 {{Question}} 6 {{Seen}}
            61.65 < 4500>1025 {{Answer}} 6 {{Seen}}

            """, pair.World.Transcript);
        Assert.Equal(TimeSpan.FromSeconds(25), pair.Moon.Mapping.Holds);
        // The mapping lives, and has seen both directions: the next trial begins with itself. Whatever is asked meanwhile changes nothing.
        pair.World.Forget();
        pair.World.Run(20);
        pair.Moon.Order((session, outbox) => session.RekeyChild(pair.World.Now, pair.Moon.Installed.Values.Single().UniqueId, 9, outbox));
        pair.World.Run(20);
        Assert.Null(pair.Moon.Outcome(9));
        Assert.StartsWith($"66.60 > 1026>4500 {Question} 7 {{ N(SPEAK_AGAIN) }}", pair.World.Transcript, StringComparison.Ordinal);
        Assert.DoesNotContain($"{Question} 8 {{ N(SPEAK_AGAIN) }}", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(35), pair.Moon.Mapping.Holds);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Checks_go_out_as_ever_while_a_silence_is_tried(bool mobike)
    {
        var pair = Examining(new Napt("203.0.113.9"), mobike);
        pair.Moon.Mapping = new(TimeSpan.FromSeconds(50));
        RunUntilTrial(pair);
        pair.World.Run(70);
        Assert.Equal(1, pair.World.Transcript.Split($"{Question} 6 {Seen}").Length - 1);
        pair.World.Run(10);
        Assert.Equal(TimeSpan.FromSeconds(75), pair.Moon.Mapping.Holds);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_NAT_that_restarts_while_a_silence_is_tried_is_noticed_by_the_next_check(bool mobike)
    {
        var nat = new Napt("203.0.113.9");
        var pair = Examining(nat, mobike);
        pair.Moon.Mapping = new(TimeSpan.FromSeconds(50));
        RunUntilTrial(pair);
        nat.Reboot();
        pair.World.Run(61);
        Assert.Equal(nat.Out(new(pair.Moon.Address, 4500)), pair.Sun.Session.Path.Remote);
        Assert.Equal(mobike, pair.World.Transcript.Contains("N(UPDATE_SA_ADDRESSES)", StringComparison.Ordinal));
        // It was restarted: it need not have forgotten, and may be another by now.
        Assert.Equal(default, pair.Moon.Mapping);
    }

    [Fact]
    public void Without_MOBIKE_the_same_is_learned_and_the_peer_takes_no_question_for_a_move()
    {
        var pair = Examining(new Napt("203.0.113.9"), mobike: false);
        pair.World.Run(3000);
        Assert.Equal((MappingLife.Longest, 0), (pair.Moon.Mapping.Holds, pair.Sun.Session.Trail.Moves));
    }

    [Fact]
    public void A_peer_without_MOBIKE_that_has_not_said_that_it_speaks_again_is_asked_nothing()
    {
        var pair = Examining(new Napt("203.0.113.9"), mobike: false);
        pair.Moon.Session.Mobility.SpeaksAgain = false;
        pair.World.Run(3000);
        Assert.DoesNotContain("1026>4500", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(default, pair.Moon.Mapping);
    }

    [Theory]
    [InlineData(330, true)]
    [InlineData(331, false)]
    [InlineData(0, false)]
    public void Nobody_has_to_remember_for_longer_than_is_tried(ushort seconds, bool isSaid)
    {
        var pair = Examining(new Napt("203.0.113.9"));
        var wish = new Payload.Notify(NotifyType.SpeakAgain, new[] { (byte)(seconds >> 8), (byte)seconds });
        pair.World.Changes = (from, to, bytes) => from == pair.Sun ? bytes : Resealing.WithPayloads(from, to, bytes,
            payloads => payloads.Select(payload => payload is Payload.Notify { Kind: NotifyType.SpeakAgain } asked && asked.Data.Span is not [0, 0] ? wish : payload).ToSequence());
        RunUntilTrial(pair);
        // No other wish takes its place.
        pair.Moon.Settings = pair.Moon.Settings with { ProbePort = 0 };
        pair.World.Run(30);
        Assert.DoesNotContain($"{Answer} 5 {{ N(SPEAK_AGAIN) }}", pair.World.Transcript, StringComparison.Ordinal);
        pair.World.Run(310);
        Assert.Equal(isSaid, pair.World.Transcript.Contains($"{Answer} 5 {{ N(SPEAK_AGAIN) }}", StringComparison.Ordinal));
    }

    [Fact]
    public void Only_what_the_peer_says_again_of_that_question_ends_a_silence()
    {
        var pair = Examining(new Napt("203.0.113.9"));
        Blob answer = default;
        pair.World.Changes = (from, _, bytes) =>
        {
            if (from == pair.Sun)
                answer = bytes;
            return bytes;
        };
        RunUntilTrial(pair);
        var here = new Path(new(pair.Moon.Address, ProbePort), new(pair.Sun.Address, 4500));
        var dropped = pair.Moon.Drops.GetValueOrDefault(IkeDrop.NotAsked);
        // What answered the question, once more; with a bit that is another; and to the tunnel's port.
        var forged = answer.Span.ToArray();
        forged[^1] ^= 1;
        pair.World.Inject(here, answer, pair.Moon);
        pair.World.Inject(here, forged, pair.Moon);
        pair.World.Inject(here with { Local = new(pair.Moon.Address, 4500) }, answer, pair.Moon);
        pair.World.Run(20);
        Assert.Equal((3, default), (pair.Moon.Drops.GetValueOrDefault(IkeDrop.NotAsked) - dropped, pair.Moon.Mapping));
        pair.World.Run(6);
        Assert.Equal(TimeSpan.FromSeconds(25), pair.Moon.Mapping.Holds);
        // The same twice is once.
        dropped = pair.Moon.Drops.GetValueOrDefault(IkeDrop.NotAsked);
        pair.World.Inject(here, answer, pair.Moon);
        pair.World.Run(1);
        Assert.Equal((1, new MappingLife(TimeSpan.FromSeconds(25))), (pair.Moon.Drops.GetValueOrDefault(IkeDrop.NotAsked) - dropped, pair.Moon.Mapping));
    }

    [Fact]
    public void A_peer_that_does_not_speak_again_says_which_port_it_sees()
    {
        var nat = new Napt("203.0.113.9");
        var pair = Strangers(nat);
        pair.World.Run(34.73);
        Assert.Equal($$"""
            30.30 > 1026>4500 {{Question}} 3 {{Seen}}
            30.35 < 4500>1026 {{Answer}} 3 {{Seen}}
            30.40 > 1025>4500 {{Question}} 4 {{Seen}}
            30.45 < 4500>1025 {{Answer}} 4 {{Seen}}
            33.40 > 1026>4500 {{Question}} 5 {{Seen}}
            33.45 < 4500>1026 {{Answer}} 5 {{Seen}}
            33.50 > 1025>4500 {{Question}} 6 {{Seen}}
            33.55 < 4500>1025 {{Answer}} 6 {{Seen}}
            53.50 > 1025>4500 keepalive
            58.50 > 1026>4500 {{Question}} 7 {{Seen}}
            58.55 < 4500>1026 {{Answer}} 7 {{Seen}}
            58.60 > 1025>4500 {{Question}} 8 {{Seen}}
            58.65 < 4500>1025 {{Answer}} 8 {{Seen}}

            """, pair.World.Transcript);
        // The same port: the NAT remembers, or it gives the same to everything new.
        Assert.Equal(default, pair.Moon.Mapping);
        pair.World.Run(25);
        nat.Expire(new(pair.Moon.Address, ProbePort));
        pair.World.Run(10);
        Assert.Equal(new(TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(35)), pair.Moon.Mapping);
        pair.World.Forget();
        pair.World.Run(100);
        Assert.DoesNotContain($"1027>4500", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void A_NAT_that_was_restarted_has_not_forgotten()
    {
        var nat = new Napt("203.0.113.9");
        var pair = Strangers(nat);
        pair.World.Run(42);
        nat.Reboot();
        pair.World.Run(30);
        Assert.Contains("N(UPDATE_SA_ADDRESSES)", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal((default, nat.Out(new(pair.Moon.Address, 4500))), (pair.Moon.Mapping, pair.Sun.Session.Path.Remote));
    }

    [Fact]
    public void From_a_NAT_that_gives_the_same_port_again_nothing_is_learned_and_it_is_left_alone()
    {
        var pair = Strangers(new Napt("203.0.113.9"));
        pair.World.Run(4000);
        Assert.Equal(default, pair.Moon.Mapping);
        Assert.Equal(1, pair.Moon.Events.OfType<Event.Note>().Count(note => note.Text.StartsWith("the NAT gives the same port after any silence", StringComparison.Ordinal)));
        pair.World.Forget();
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 5, outbox));
        pair.World.Run(200);
        Assert.DoesNotContain("1026>4500", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_answers_to_another_port_do_not_get_in_nothing_is_learned()
    {
        var pair = Strangers(new Napt("203.0.113.9"));
        pair.World.Loses = (path, _) => path.Remote.Port == 1026;
        pair.World.Run(3000);
        Assert.Equal(default, pair.Moon.Mapping);
        Assert.Equal(2, pair.World.Transcript.Split("> 1026>4500").Length - 1);
        Assert.Equal(1u, pair.Moon.Session.UniqueId);
    }

    [Fact]
    public void Only_one_IKE_SA_at_a_time_uses_the_other_port()
    {
        var pair = Examining(new Napt("203.0.113.9"));
        Assert.True(pair.Moon.ProbeLine.TryTake(new object(), pair.World.Now, TimeSpan.FromSeconds(80)));
        pair.World.Run(80);
        Assert.DoesNotContain("1026>4500", pair.World.Transcript, StringComparison.Ordinal);
        pair.World.Run(20);
        Assert.Contains("1026>4500", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void An_outage_at_the_end_of_a_silence_is_a_doubt_that_the_next_trial_dispels()
    {
        var pair = Examining(new Napt("203.0.113.9"));
        RunUntilTrial(pair);
        pair.World.Run(20);
        pair.World.Loses = (_, _) => true;
        pair.World.Run(10);
        Assert.Equal(new(TimeSpan.Zero, Doubts: TimeSpan.FromSeconds(25)), pair.Moon.Mapping);
        pair.World.Run(20);
        pair.World.Loses = (_, _) => false;
        pair.World.Run(60);
        Assert.Equal(new(TimeSpan.FromSeconds(25)), pair.Moon.Mapping);
    }

    [Fact]
    public void A_peer_that_makes_new_keys_meanwhile_says_nothing_more_under_the_old_ones()
    {
        var pair = Examining(new Napt("203.0.113.9"));
        RunUntilTrial(pair);
        // Not even the old ones' end arrives.
        const byte informational = 37;
        pair.World.Loses = (path, bytes) => path.Local.Address == pair.Sun.Address && bytes.Span[4 + 18] == informational;
        pair.Sun.Order((session, outbox) => session.RekeyIke(pair.World.Now, 5, outbox));
        pair.World.Run(28);
        Assert.Null(pair.Sun.Outcome(5));
        Assert.DoesNotContain("SPEAK_AGAIN", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(default, pair.Moon.Mapping);
        // The same is tried with the new ones.
        pair.World.Loses = (_, _) => false;
        pair.World.Run(70);
        Assert.Equal(TimeSpan.FromSeconds(25), pair.Moon.Mapping.Holds);
    }

    [Fact]
    public void A_silence_that_was_begun_on_another_path_says_nothing()
    {
        var pair = Examining(new Napt("203.0.113.9"));
        RunUntilTrial(pair);
        pair.Moon.Nat = new Napt("203.0.113.10");
        (pair.Moon.Address, pair.Moon.LocalAddresses) = (IpAddress.Parse("10.9.0.10"), [IpAddress.Parse("10.9.0.10")]);
        pair.Moon.Order((session, outbox) => session.PathsFound(pair.World.Now, new(false, [new(new(pair.Moon.Address, 0), new(pair.Sun.Address, 0))]), outbox));
        pair.World.Run(28);
        Assert.Equal(default, pair.Moon.Mapping);
        Assert.Equal("203.0.113.10", $"{pair.Sun.Session.Path.Remote.Address}");
        pair.World.Run(100);
        Assert.Equal(new(TimeSpan.FromSeconds(25)), pair.Moon.Mapping);
    }

    [Fact]
    public void One_answer_that_is_lost_is_no_blocked_port()
    {
        var pair = Examining(new Napt("203.0.113.9"));
        var lost = 0;
        pair.World.Loses = (path, _) => path.Remote.Port == 1026 && lost++ == 0;
        pair.World.Run(75);
        Assert.Equal(new(TimeSpan.FromSeconds(25)), pair.Moon.Mapping);
    }

    [Fact]
    public void An_outage_while_the_first_check_is_out_ends_nothing()
    {
        var pair = Examining(new Napt("203.0.113.9"));
        pair.World.Run(Begin.TotalSeconds - 5);
        pair.World.Loses = (_, _) => true;
        pair.World.Run(600);
        pair.World.Loses = (_, _) => false;
        pair.World.Run(120);
        Assert.Equal(1u, pair.Moon.Session.UniqueId);
        Assert.Single(pair.Moon.Installed);
    }

    [Theory]
    [InlineData("rekey")]
    [InlineData("reauthenticate")]
    [InlineData("reauthenticate, break before make")]
    public void A_firewall_that_was_claimed_to_be_a_NAT_is_claimed_by_what_follows(string how)
    {
        var pair = BehindFirewall();
        Assert.Equal(("forced", "remote"), ($"{pair.Moon.Session.Nat}", $"{pair.Sun.Session.Nat}"));
        var life = pair.Moon.Paths.Of(pair.Moon.Session.Path).Life;
        var old = pair.Moon.Session;
        pair.World.Forget();
        if (how == "rekey")
            pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 5, outbox));
        else
        {
            pair.Moon.Settings = pair.Moon.Settings with { MakeBeforeBreak = how == "reauthenticate" };
            pair.Moon.Order((session, outbox) => session.Reauthenticate(pair.World.Now, 5, outbox));
            pair.World.Run(2);
            if (!pair.Moon.Settings.MakeBeforeBreak)
                pair.Moon.Up(pair.Sun, 6);
        }
        pair.World.Run(2);
        Assert.NotSame(old, pair.Moon.Session);
        Assert.Equal(("forced", "remote"), ($"{pair.Moon.Session.Nat}", $"{pair.Sun.Session.Nat}"));
        Assert.True(pair.Moon.Installed.Values.Single().UdpEncapsulated && pair.Sun.Installed.Values.Single().UdpEncapsulated);
        Assert.DoesNotContain("UPDATE_SA_ADDRESSES", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(life, pair.Moon.Paths.Of(pair.Moon.Session.Path).Life);
    }

    [Fact]
    public void Another_tunnel_along_the_same_path_claims_what_the_first_has_found()
    {
        var pair = new Pair(moon: Mobile, sun: Mobile);
        pair.Moon.Settings = pair.Moon.Settings with { ProbePort = ProbePort };
        pair.Up();
        pair.Moon.Paths.Learn(pair.Moon.Session.Path, new(new(TimeSpan.Zero, TimeSpan.FromSeconds(25))));
        pair.World.Run(Begin.TotalSeconds + 1);
        Assert.Equal("forced", $"{pair.Moon.Session.Nat}");
        Assert.True(pair.Moon.Paths.Of(pair.Moon.Session.Path).ClaimsNat);
    }

    [Fact]
    public void On_another_path_nothing_is_claimed_and_back_on_the_first_it_is_again()
    {
        var pair = BehindFirewall();
        var home = pair.Moon.Address;
        Move(IpAddress.Parse("192.0.2.77"));
        Assert.Equal(("none", "none"), ($"{pair.Moon.Session.Nat}", $"{pair.Sun.Session.Nat}"));
        Move(home);
        Assert.Equal(("forced", "remote"), ($"{pair.Moon.Session.Nat}", $"{pair.Sun.Session.Nat}"));

        void Move(IpAddress address)
        {
            (pair.Moon.Address, pair.Moon.LocalAddresses) = (address, [address]);
            var remote = pair.Sun.Address;
            pair.Moon.Order((session, outbox) => session.PathsFound(pair.World.Now, new(false, [new Path(new(address, 0), new(remote, 0))]), outbox));
            pair.World.Run(2);
        }
    }

    [Theory]
    [InlineData(Encapsulation.WhenNeeded, ChildMode.Tunnel, true)]
    [InlineData(Encapsulation.WhenNeeded, ChildMode.Transport, false)]
    [InlineData(Encapsulation.Never, ChildMode.Tunnel, false)]
    public void Not_every_connection_may_claim_a_NAT(Encapsulation encapsulation, ChildMode mode, bool may)
    {
        var connection = Configs.Connection("moon.example.org", "sun.example.org", Configs.Child("net", "10.1.0.0/16", "10.2.0.0/16") with { Mode = mode });
        Assert.Equal(may, (connection with { Encapsulation = encapsulation }).MayClaimNat);
    }

    const string Question = "INFORMATIONAL request", Answer = "INFORMATIONAL response", Seen = "{ N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP) }";

    /// <summary>Sun is charon: takes part in MOBIKE, says nothing by vendor ID, and does not take an IKE message for a move (RFC 4555 section 3.8).</summary>
    static Pair Strangers(Napt nat)
    {
        var pair = Examining(nat);
        pair.Moon.Session.Mobility.SpeaksAgain = false;
        // The first check, which is an address update.
        pair.World.Run(Begin.TotalSeconds - 1.73);
        pair.World.Forget();
        pair.Sun.Session.Verdict = pair.Sun.Session.Verdict with { Remote = false };
        return pair;
    }

    static Connection Mobile(Connection connection) => connection with { Mobike = true };

    static Pair Examining(Napt? nat, bool mobike = true)
    {
        Connection OfThisKind(Connection connection) => connection with { Mobike = mobike };
        var pair = new Pair(OfThisKind, OfThisKind, nat);
        pair.Moon.Settings = pair.Moon.Settings with { ProbePort = ProbePort };
        return pair.Up();
    }

    /// <summary>The check and two openings are over, and the peer has been asked to speak again.</summary>
    static void RunUntilTrial(Pair pair)
    {
        pair.World.Run(Begin.TotalSeconds + 5);
        pair.World.Forget();
    }

    /// <summary>A firewall that forgets a flow within 20 s, and has been found to.</summary>
    static Pair BehindFirewall()
    {
        var pair = Examining(null);
        var last = pair.World.Now;
        pair.World.Loses = (path, _) =>
        {
            if (path.Local.Port == ProbePort)
                last = pair.World.Now;
            return path.Remote.Port == ProbePort && pair.World.Now - last > TimeSpan.FromSeconds(20);
        };
        pair.World.Run(180);
        pair.World.Loses = (_, _) => false;
        return pair;
    }
}
