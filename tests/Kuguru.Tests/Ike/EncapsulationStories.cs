using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Ike;

/// <summary>Never encapsulate, encapsulate when needed, always: one setting for both versions.</summary>
public sealed class EncapsulationStories
{
    [Theory]
    [InlineData(1, Encapsulation.Never, true, false, 500)]
    [InlineData(2, Encapsulation.Never, true, false, 500)]
    [InlineData(1, Encapsulation.Never, false, false, 500)]
    [InlineData(2, Encapsulation.Never, false, false, 500)]
    [InlineData(1, Encapsulation.WhenNeeded, true, true, 4500)]
    [InlineData(2, Encapsulation.WhenNeeded, true, true, 4500)]
    [InlineData(1, Encapsulation.WhenNeeded, false, false, 500)]
    [InlineData(2, Encapsulation.WhenNeeded, false, false, 500)]
    [InlineData(1, Encapsulation.Always, false, true, 4500)]
    [InlineData(2, Encapsulation.Always, false, true, 4500)]
    public void Each_does_what_it_says(int version, Encapsulation setting, bool nat, bool encapsulated, int port)
    {
        foreach (var byMoon in (bool[])[true, false])
        {
            Connection Set(Connection c) => c with { Version = version, Encapsulation = setting };
            Connection Default(Connection c) => c with { Version = version };
            var pair = new Pair(byMoon ? Set : Default, byMoon ? Default : Set, nat ? new Napt("203.0.113.9") : null);
            pair.Moon.Up(pair.Sun);
            pair.World.Run(3);
            Assert.All([pair.Moon, pair.Sun], host =>
            {
                var sa = host.Installed.Values.Single();
                Assert.Equal(encapsulated, sa.UdpEncapsulated);
                // A responder of IKEv2 may have seen that there is none.
                Assert.True(sa.RisksNat == (setting == Encapsulation.Never) || (setting == Encapsulation.Never && !nat));
                Assert.Equal(port, host.Sessions.Single().Path.Local.Port);
            });
        }
    }

    [Fact]
    public void A_responder_that_sees_the_NAT_says_what_it_means()
    {
        var pair = new Pair(sun: c => c with { Encapsulation = Encapsulation.Never }, nat: new Napt("203.0.113.9")).Up();
        Assert.Contains(pair.Sun.Events.OfType<Event.NatDetected>(), said => said.ToString().Contains(
            "encapsulation is forbidden (encap = never) and the NAT in front of 203.0.113.9 is in the way: plain ESP", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void What_goes_out_plain_and_has_no_echo_is_told_once_and_loudly(int version)
    {
        var pair = Pair.Both(c => c with { Version = version, Encapsulation = Encapsulation.Never }, new Napt("203.0.113.9")).Up();
        pair.World.Run(30);
        Assert.Empty(pair.Moon.Failures);
        pair.Moon.Installed.Values.Single().Usage.CountOutbound(pair.World.Now, 5, 500);
        pair.World.Run(30);
        var sentence = Assert.Single(pair.Moon.Failures);
        Assert.StartsWith("no ESP comes from 192.0.2.2 for CHILD_SA net{1}, 5 packets have gone there: a NAT without \"VPN passthrough\"", sentence, StringComparison.Ordinal);
        Assert.Empty(pair.Sun.Failures);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void An_echo_is_enough(int version)
    {
        var pair = Pair.Both(c => c with { Version = version, Encapsulation = Encapsulation.Never }, new Napt("203.0.113.9")).Up();
        var usage = pair.Moon.Installed.Values.Single().Usage;
        usage.CountOutbound(pair.World.Now, 5, 500);
        usage.CountInbound(pair.World.Now, 1, 100);
        pair.World.Run(120);
        Assert.Empty(pair.Moon.Failures);
    }
}
