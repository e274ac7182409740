using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Ike.V1;

/// <summary>Aggressive mode: one round trip less, and what it costs.</summary>
public class AggressiveStories
{
    [Fact]
    public void Three_messages_bring_up_an_ISAKMP_SA_where_the_responder_is_told_to_take_the_risk()
    {
        var pair = Two();
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal("""
            0.00 > AGGRESSIVE { SA, KE, No, ID, V, V, V, V, V, V, V }
            0.05 < AGGRESSIVE { SA, KE, No, ID, HASH, V, V, V, V, NAT-D, NAT-D }
            0.10 > AGGRESSIVE { ... }
            0.10 > QUICK_MODE { ... }
            0.15 < QUICK_MODE { ... }
            0.20 > QUICK_MODE { ... }

            """, pair.World.Transcript);
        MainModeStories.IsUp(pair);
        Assert.Contains(pair.Sun.Events.OfType<Event.Note>(), note => note.Level == Severity.Warning && note.Text.Contains("whoever listens can guess it offline"));
    }

    [Fact]
    public void It_is_refused_otherwise_and_the_reason_said()
    {
        var pair = Two();
        pair.Sun.Settings = new();
        pair.Moon.Up(pair.Sun);
        pair.World.Run(60);
        Assert.All(pair.Sun.Failures, failure => Assert.Contains("lets anybody who asks guess the key offline", failure));
        Assert.Equal(FailureCode.AuthenticationFailed, pair.Moon.Outcome(1)!.Code);
    }

    [Fact]
    public void Behind_a_NAT_message_3_moves_to_4500()
    {
        var pair = Two(nat: new("203.0.113.9"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Contains("0.10 > 1025>4500 AGGRESSIVE { ... }", pair.World.Transcript);
        MainModeStories.IsUp(pair);
        Assert.Equal(("local", "remote"), ($"{pair.Moon.V1.Nat}", $"{pair.Sun.V1.Nat}"));
        Assert.Equal("192.0.2.2[4500]...203.0.113.9[1025]", $"{pair.Sun.V1.Path}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Encapsulation_that_either_side_forces_moves_both_to_4500(bool byMoon)
    {
        var pair = Two();
        var forcing = byMoon ? pair.Moon : pair.Sun;
        forcing.Connections[0] = forcing.Connections[0] with { Encapsulation = Encapsulation.Always };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.Equal(("192.0.2.1[4500]...192.0.2.2[4500]", "192.0.2.2[4500]...192.0.2.1[4500]"), ($"{pair.Moon.V1.Path}", $"{pair.Sun.V1.Path}"));
        Assert.Empty(pair.Moon.Events.OfType<Event.Moved>());
        Assert.All(pair.Moon.Installed.Values, sa => Assert.True(sa.UdpEncapsulated));
    }

    [Fact]
    public void A_lost_last_message_is_asked_for_again()
    {
        var pair = Two();
        var third = 0;
        pair.World.Loses = (path, bytes) => path.Local.Address == pair.Moon.Address && bytes.Span[18] == 4 && (bytes.Span[19] & 1) == 1 && third++ == 0;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(15);
        MainModeStories.IsUp(pair);
        Assert.Equal(2, third);
    }

    [Fact]
    public void The_key_is_chosen_by_identity_and_a_wrong_one_is_named()
    {
        var pair = Two();
        pair.Sun.Keys.Clear();
        pair.Sun.Keys.Add(Configs.Key("another", "moon.example.org"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(60);
        Assert.StartsWith("wrong PSK: 'sun.example.org' (domain name) at 192.0.2.2[500] has another shared key", pair.Moon.Outcome(1)!.Sentence);
    }

    static Pair Two(Napt? nat = null)
    {
        var pair = MainModeStories.Two(change: c => c with { Aggressive = true }, nat: nat);
        pair.Sun.Settings = new() { AggressiveSharedKey = true };
        return pair;
    }
}
