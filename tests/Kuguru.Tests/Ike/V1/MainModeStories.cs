using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Wire.V1;
using Xunit;

namespace Kuguru.Tests.Ike.V1;

/// <summary>IKEv1 brings up tunnels, through NATs and without, and says why when it does not.</summary>
public class MainModeStories
{
    [Fact]
    public void Main_mode_and_quick_mode_bring_up_an_ISAKMP_SA_and_a_child()
    {
        var pair = Two();
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal("""
            0.00 > ID_PROT { SA, V, V, V, V, V, V, V }
            0.05 < ID_PROT { SA, V, V, V, V }
            0.10 > ID_PROT { KE, No, NAT-D, NAT-D }
            0.15 < ID_PROT { KE, No, NAT-D, NAT-D }
            0.20 > ID_PROT { ... }
            0.25 < ID_PROT { ... }
            0.30 > QUICK_MODE { ... }
            0.35 < QUICK_MODE { ... }
            0.40 > QUICK_MODE { ... }

            """, pair.World.Transcript);
        IsUp(pair);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.False(pair.Moon.Installed.Values.Single().UdpEncapsulated);
    }

    [Fact]
    public void A_client_behind_a_NAT_moves_to_4500_with_message_5_and_holds_its_mapping()
    {
        var pair = Two(nat: new("203.0.113.9"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(41);
        Assert.Contains("0.20 > 1025>4500 ID_PROT { ... }", pair.World.Transcript);
        Assert.EndsWith("40.40 > 1025>4500 keepalive\n", pair.World.Transcript);
        Assert.Equal(("local", "remote"), ($"{pair.Moon.V1.Nat}", $"{pair.Sun.V1.Nat}"));
        Assert.Equal("10.1.0.10[4500]...192.0.2.2[4500]", $"{pair.Moon.V1.Path}");
        Assert.Equal("192.0.2.2[4500]...203.0.113.9[1025]", $"{pair.Sun.V1.Path}");
        IsUp(pair);
        Assert.All(pair.Moon.Installed.Values.Concat(pair.Sun.Installed.Values), sa => Assert.True(sa.UdpEncapsulated));
    }

    [Fact]
    public void A_peer_may_begin_on_4500()
    {
        var pair = Two(moon: c => c with { RemotePort = 4500 }, nat: new("203.0.113.9"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.DoesNotContain(">500", pair.World.Transcript);
        IsUp(pair);
    }

    [Fact]
    public void A_NAT_that_forgets_is_followed_by_ISAKMP_and_ESP_alike()
    {
        var pair = Two(nat: new("203.0.113.9"), moon: c => c with { DpdDelay = TimeSpan.FromSeconds(10) });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        pair.Moon.Nat!.Reboot();
        pair.World.Run(30);
        Assert.Equal("192.0.2.2[4500]...203.0.113.9[1026]", $"{pair.Sun.V1.Path}");
        Assert.Equal(pair.Sun.V1.Path, pair.Sun.Installed.Values.Single().Path);
        IsUp(pair);
    }

    [Fact]
    public void Encapsulation_can_be_forced_from_either_side()
    {
        foreach (var byMoon in (bool[])[true, false])
        {
            var pair = byMoon ? Two(moon: c => c with { Encapsulation = Encapsulation.Always }) : Two(sun: c => c with { Encapsulation = Encapsulation.Always });
            pair.Moon.Up(pair.Sun);
            pair.World.Run(2);
            Assert.Equal(byMoon ? ("forced", "remote") : ("remote", "forced"), ($"{pair.Moon.V1.Nat}", $"{pair.Sun.V1.Nat}"));
            Assert.All(pair.Moon.Installed.Values.Concat(pair.Sun.Installed.Values), sa => Assert.True(sa.UdpEncapsulated));
        }
    }

    [Fact]
    public void A_wrong_PSK_is_called_one_with_identity_and_address_at_both_ends()
    {
        var pair = Two();
        pair.Sun.Keys.Clear();
        pair.Sun.Keys.Add(Configs.Key("another", "moon.example.org"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(170);
        var responder = Assert.Single(pair.Sun.Failures);
        Assert.StartsWith("wrong PSK: the identity of the peer at 192.0.2.1[500] cannot be decrypted with any of 1 shared key for 'moon.example.org' ('gw')", responder);
        Assert.Contains("most likely the pre-shared keys differ at the two ends", pair.Moon.Outcome(1)!.Sentence);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void Garbage_in_place_of_an_identity_costs_a_bounded_number_of_trials_and_whoever_has_the_key_still_gets_in()
    {
        var pair = Two(sun: c => c with { Remote = [new AuthenticationRound()] });
        pair.Sun.Keys.Clear();
        for (var i = 0; i < 2000; i++)
            pair.Sun.Keys.Add(Configs.Key(i == 700 ? "secret" : $"other {i}", i == 700 ? "moon.example.org" : $"client{i}.example.org"));
        Blob identity = default;
        pair.World.Loses = (path, bytes) =>
        {
            if (path.Local.Address != pair.Moon.Address || bytes.Span[18] != 2 || (bytes.Span[19] & 1) == 0 || !identity.IsEmpty)
                return false;
            identity = bytes;
            return true;
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.False(identity.IsEmpty);
        for (byte i = 1; i <= 10; i++)
        {
            var garbage = identity.ToArray();
            garbage[40] ^= i;
            pair.World.Inject(new(new(pair.Sun.Address, 500), new(pair.Moon.Address, 500)), garbage, pair.Sun);
        }
        pair.World.Run(1);
        // One sentence, however many there are; and an account that is used up.
        Assert.StartsWith("wrong PSK: the identity of the peer at 192.0.2.1[500] cannot be decrypted with any of 1024 shared keys", Assert.Single(pair.Sun.Failures));
        Assert.Equal(10, pair.Sun.Drops[IkeDrop.NotAuthentic]);
        Assert.InRange(pair.Sun.KeyTrials.Allowed(pair.World.Now, pair.Moon.Address), KeyTrials.Few, KeyTrials.Most - 1);
        Assert.Equal(IkeState.Connecting, pair.Sun.V1.State);
        pair.World.Run(20);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal("moon.example.org", $"{pair.Sun.V1.RemoteId}");
    }

    [Fact]
    public void Of_several_keys_that_a_peer_may_have_every_one_is_tried()
    {
        var pair = Two(sun: c => c with { Remote = [new AuthenticationRound()] });
        pair.Sun.Keys.Clear();
        foreach (var name in (string[])["carol", "dave", "moon.example.org"])
            pair.Sun.Keys.Add(Configs.Key(name == "moon.example.org" ? "secret" : "other of " + name, name));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        IsUp(pair);
        Assert.Equal("moon.example.org", $"{pair.Sun.V1.RemoteId}");
    }

    [Theory]
    [InlineData("192.0.2.0/24")]
    [InlineData("192.0.2.1-192.0.2.9")]
    [InlineData("192.0.2.1")]
    [InlineData("%any")]
    public void A_key_may_be_for_an_address_a_network_or_anybody(string owner)
    {
        // Both are called by their addresses, as devices are that know nothing else.
        var pair = Two(moon: c => c with { Local = [new()], Remote = [new()] }, sun: c => c with { Local = [new()], Remote = [new()] });
        pair.Moon.Keys.Clear();
        pair.Sun.Keys.Clear();
        pair.Moon.Keys.Add(Configs.Key("secret", "192.0.2.2"));
        pair.Sun.Keys.Add(Configs.Key("of others", "192.0.3.0/24"));
        pair.Sun.Keys.Add(Configs.Key("secret", owner));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        IsUp(pair);
        Assert.Equal("192.0.2.1", $"{pair.Sun.V1.RemoteId}");
    }

    [Fact]
    public void Nobody_passes_for_somebody_with_a_key_of_his_own()
    {
        var pair = Two(sun: c => c with { Remote = [new AuthenticationRound()] });
        pair.Sun.Keys.Clear();
        pair.Sun.Keys.Add(Configs.Key("secret", "carol"));
        pair.Sun.Keys.Add(Configs.Key("moon's own", "moon.example.org"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(60);
        Assert.Contains("proves itself by a shared key that is not the one for", Assert.Single(pair.Sun.Failures));
        Assert.NotNull(pair.Moon.Outcome(1));
    }

    [Fact]
    public void Silence_is_told_after_all_tries()
    {
        var pair = Two();
        pair.World.Loses = (_, _) => true;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(170);
        Assert.Equal(FailureCode.Unreachable, pair.Moon.Outcome(1)!.Code);
        Assert.Equal(6, pair.World.Transcript.Split('\n').Count(line => line.Contains("ID_PROT")));
    }

    [Fact]
    public void No_proposal_in_common_is_told_to_both()
    {
        var pair = Two(sun: c => c with { Proposals = Configs.Ike("aes256-sha512-modp4096") });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(60);
        Assert.Contains("AES_CBC_128", Assert.Single(pair.Sun.Failures.Distinct()));
        Assert.Equal(FailureCode.NoProposalChosen, pair.Moon.Outcome(1)!.Code);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void Silence_on_4500_after_an_answer_on_500_is_a_blocked_port()
    {
        var pair = Two(nat: new("203.0.113.9"));
        pair.World.Loses = (path, _) => path.Remote.Port == 4500;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(170);
        Assert.Equal(FailureCode.NatPortBlocked, pair.Moon.Outcome(1)!.Code);
    }

    [Theory]
    [InlineData("aes128-sha256", KeyExchangeMethod.None)]
    [InlineData("aes256gcm16-modp2048", KeyExchangeMethod.Modp2048)]
    [InlineData("aes128ctr-sha1-ecp256", KeyExchangeMethod.Ecp256)]
    public void Quick_mode_has_perfect_forward_secrecy_or_not(string proposals, KeyExchangeMethod group)
    {
        var pair = Two(change: c => c with { Children = [c.Children[0] with { Proposals = Configs.Esp(proposals) }] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        IsUp(pair);
        Assert.Equal(group, pair.Moon.Installed.Values.Single().KeyExchange);
    }

    [Fact]
    public void The_peer_narrows_nothing_and_says_what_it_has()
    {
        var pair = Two(moon: c => c with { Children = [Configs.Child("net", "10.1.0.0/16", "10.0.0.0/8")] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(3);
        Assert.Equal(FailureCode.TrafficSelectorsUnacceptable, pair.Moon.Outcome(1)!.Code);
        Assert.Contains("10.2.0.0/16 === 10.1.0.0/16 ('net')", Assert.Single(pair.Sun.Failures));
        Assert.Equal(IkeState.Established, pair.Moon.V1.State);
    }

    [Fact]
    public void A_lost_last_message_of_quick_mode_is_asked_for_again()
    {
        var pair = Two();
        var quick = 0;
        pair.World.Loses = (_, bytes) => bytes.Span[18] == 32 && ++quick == 3;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(10);
        IsUp(pair);
        Assert.Equal(5, quick);
    }

    [Fact]
    public void Children_get_new_keys_and_both_generations_receive()
    {
        var pair = Up();
        var before = pair.Sun.Installed.Values.Single();
        pair.Moon.Order((session, outbox) => session.RekeyChild(pair.World.Now, session.Status(pair.World.Now).Children.Single().UniqueId, 7, outbox));
        pair.World.Run(3);
        Assert.Null(pair.Moon.Outcome(7));
        Assert.Equal((2, 2), (pair.Moon.Installed.Count, pair.Sun.Installed.Count));
        Assert.Equal([ChildState.Rekeyed, ChildState.Installed], pair.Sun.V1.Status(pair.World.Now).Children.Select(child => child.State));
        Assert.Equal(before.ReqId, pair.Sun.Installed.Values.Last().ReqId);
        pair.World.Run(3600 * 1.2);
        Assert.True(pair.Moon.Installed.Count <= 2);
        IsUp(pair, generations: true);
    }

    [Fact]
    public void Both_rekey_a_child_at_once_and_each_end_has_one_that_goes_on()
    {
        var pair = Up();
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
            host.Order((session, outbox) => session.RekeyChild(pair.World.Now, session.Status(pair.World.Now).Children.Single().UniqueId, 7, outbox));
        pair.World.Run(5);
        foreach (var (host, peer) in ((Host, Host)[])[(pair.Moon, pair.Sun), (pair.Sun, pair.Moon)])
        {
            var children = host.V1.Status(pair.World.Now).Children;
            Assert.Equal(3, children.Length);
            var one = Assert.Single(children, child => child.State == ChildState.Installed);
            Assert.Contains(peer.V1.Status(pair.World.Now).Children, child => child.InboundSpi == one.OutboundSpi);
        }
        // Hours later, when all of these are over.
        pair.World.Run(3 * 3600);
        IsUp(pair, generations: true);
        Assert.Empty(pair.Moon.Events.OfType<Event.ChildDown>());
        Assert.Empty(pair.Sun.Events.OfType<Event.ChildDown>());
    }

    [Fact]
    public void The_ISAKMP_SA_gets_a_successor_that_takes_all_children_over()
    {
        var pair = Up();
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 8, outbox));
        pair.World.Run(2);
        Assert.Null(pair.Moon.Outcome(8));
        Assert.Equal(2, pair.Moon.Sessions.Count);
        pair.World.Run(60);
        Assert.Equal((1, 1), (pair.Moon.Sessions.Count, pair.Sun.Sessions.Count));
        IsUp(pair);
        Assert.Empty(pair.Moon.Events.OfType<Event.ChildDown>());
        Assert.Empty(pair.Sun.Events.OfType<Event.ChildDown>());
        Assert.Single(pair.Moon.Events.OfType<Event.IkeRekeyed>());
    }

    [Theory] // charon takes no quick mode while it makes the next ISAKMP SA
    [InlineData(true)]
    [InlineData(false)]
    public void A_child_that_is_asked_for_meanwhile_comes_up_with_the_successor(bool isAnsweredLate)
    {
        var pair = Two(c => c with { Children = [.. c.Children, Configs.Child("more", "10.5.0.0/16", "10.6.0.0/16")] },
            c => c with { Children = [.. c.Children, Configs.Child("more", "10.6.0.0/16", "10.5.0.0/16")] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        var old = pair.Moon.V1.LocalSpi;
        // On the old one moon's questions are lost for good, or sun's answers until the new one is there.
        pair.World.Loses = (path, bytes) => bytes.Span[18] == (byte)ExchangeKind.QuickMode && bytes.Span[..8].SequenceEqual(old.ToBlob().Span)
            && (isAnsweredLate ? path.Local.Address == pair.Sun.Address && !pair.Sun.Events.OfType<Event.IkeRekeyed>().Any() : path.Local.Address == pair.Moon.Address);
        pair.Moon.Order((session, outbox) => session.RequestChild(pair.World.Now, pair.Moon.Connections[0].Children[1], 7, outbox));
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 8, outbox));
        pair.World.Run(60);
        Assert.Equal((null, null), (pair.Moon.Outcome(7), pair.Moon.Outcome(8)));
        Assert.Equal(["net", "more"], pair.Moon.V1.Status(pair.World.Now).Children.Select(child => child.Name));
        Assert.Equal(["net", "more"], pair.Sun.V1.Status(pair.World.Now).Children.Select(child => child.Name));
        Assert.All(pair.Moon.V1.Status(pair.World.Now).Children, child => Assert.Contains(pair.Sun.Installed.Values, sa => sa.OutboundSpi == child.InboundSpi && sa.InboundSpi == child.OutboundSpi));
        Assert.Empty(pair.Moon.Failures);
        Assert.Empty(pair.Moon.Events.OfType<Event.ChildDown>());
        Assert.Empty(pair.Sun.Events.OfType<Event.ChildDown>());
    }

    [Fact]
    public void Terminating_tells_the_peer()
    {
        var pair = Up();
        pair.Moon.Order((session, outbox) => session.TerminateIke(pair.World.Now, 9, false, outbox));
        pair.World.Run(1);
        Assert.Empty(pair.Sun.Sessions);
        Assert.Empty(pair.Sun.Installed);
        Assert.Empty(pair.Sun.ReqIds);
        Assert.Empty(pair.Moon.ReqIds);
    }

    [Fact]
    public void A_dead_peer_is_noticed_and_its_children_go_as_dpd_action_says()
    {
        var pair = Two(change: c => c with { DpdDelay = TimeSpan.FromSeconds(10), Children = [c.Children[0] with { DpdAction = CloseAction.Start }] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(30);
        IsUp(pair);
        pair.World.Loses = (_, _) => true;
        pair.World.Run(200);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Equal(CloseAction.Start, Assert.Single(pair.Moon.Events.OfType<Event.ChildDown>()).Next);
        Assert.Contains("DPD requests unanswered", Assert.Single(pair.Moon.Failures));
    }

    internal static Pair Two(
        Func<Connection, Connection>? moon = null, Func<Connection, Connection>? sun = null, Func<Connection, Connection>? change = null, Napt? nat = null, int seed = 1) => new(
        c => (moon ?? Same)((change ?? Same)(c with { Version = 1 })), c => (sun ?? Same)((change ?? Same)(c with { Version = 1 })), nat, seed: seed);

    internal static Pair Up()
    {
        var pair = Two();
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        IsUp(pair);
        return pair;
    }

    internal static void IsUp(Pair pair, bool generations = false)
    {
        Assert.Empty(pair.Moon.Failures);
        Assert.Empty(pair.Sun.Failures);
        Assert.Equal((IkeState.Established, IkeState.Established), (pair.Moon.V1.State, pair.Sun.V1.State));
        var pairs = pair.Moon.Installed.Values.Select(ours => (ours, theirs: pair.Sun.Installed.Values.Single(one => one.OutboundSpi == ours.InboundSpi))).ToList();
        Assert.NotEmpty(pairs);
        Assert.True(generations || pairs.Count == 1);
        foreach (var (ours, theirs) in pairs)
        {
            Assert.Equal(ours.OutboundSpi, theirs.InboundSpi);
            Assert.True(ours.InboundKeys.Encryption.Equals(theirs.OutboundKeys.Encryption) && ours.OutboundKeys.Encryption.Equals(theirs.InboundKeys.Encryption));
            Assert.Equal(ours.LocalSelectors, theirs.RemoteSelectors);
        }
    }

    static Connection Same(Connection connection) => connection;
}
