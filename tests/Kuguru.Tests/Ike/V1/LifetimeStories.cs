using Kuguru.Ike;
using Kuguru.Ike.V1;
using Kuguru.Wire;
using Kuguru.Wire.V1;
using Xunit;

namespace Kuguru.Tests.Ike.V1;

/// <summary>How long SAs live when the two ends want different things (RFC 2407 section 4.6.3.1), and the bit that wants a fourth message.</summary>
public class LifetimeStories
{
    static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void A_responder_with_shorter_limits_says_so_and_is_followed()
    {
        var pair = MainModeStories.Two(
            moon: c => c with { Children = [Long(c.Children[0])] },
            sun: c => c with { Children = [Long(c.Children[0]) with { RekeyTime = TimeSpan.FromMinutes(9), LifeTime = TimeSpan.FromMinutes(10), LifeBytes = 50 << 20 }] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        var child = Child(pair.Moon, pair);
        Assert.Equal(TimeSpan.FromMinutes(10), child.Config.LifeTime);
        Assert.Equal(50u << 20, child.Config.LifeBytes);
        Assert.InRange(Left(child.RekeyAt, pair), TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(9));
        pair.World.Run(700);
        Assert.True(pair.Moon.Events.OfType<Event.ChildRekeyed>().Any());
        Assert.Empty(pair.Moon.Events.OfType<Event.ChildDown>());
    }

    [Fact]
    public void An_initiators_shorter_limits_are_taken_as_they_are()
    {
        var pair = MainModeStories.Two(
            moon: c => c with { Children = [Long(c.Children[0]) with { LifeTime = TimeSpan.FromMinutes(10), LifeBytes = 50 << 20 }] },
            sun: c => c with { Children = [Long(c.Children[0])] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.Equal((TimeSpan.FromMinutes(10), 50ul << 20), (Child(pair.Sun, pair).Config.LifeTime, Child(pair.Sun, pair).Config.LifeBytes));
    }

    [Theory]
    [InlineData(4, 0, true)]
    [InlineData(4, 3, false)]
    [InlineData(2, 3, true)]
    [InlineData(0, 3, false)]
    public void The_next_ISAKMP_SA_is_announced_as_what_it_was_asked_for(int rekey, int reauth, bool asRekeying)
    {
        var pair = MainModeStories.Two(moon: c => c with { RekeyTime = rekey * Hour, ReauthTime = reauth * Hour, RandTime = TimeSpan.Zero });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        var status = pair.Moon.V1.Status(pair.World.Now);
        Assert.Equal((asRekeying, !asRekeying), (status.RekeyAt is not null, status.ReauthAt is not null));
    }

    [Fact]
    public void A_lifetime_may_be_told_later_of_a_child_or_of_the_ISAKMP_SA()
    {
        var pair = MainModeStories.Up();
        var before = Child(pair.Moon, pair);
        Tell(pair, Told(IsakmpProtocol.Esp, before.OutboundSpi.ToBlob(), (ushort)IpsecAttribute.LifeType, (ushort)IpsecAttribute.LifeDuration, 600));
        var after = Child(pair.Moon, pair);
        Assert.InRange(Left(after.ExpiresAt, pair), TimeSpan.FromSeconds(590), TimeSpan.FromSeconds(600));
        Assert.True(Left(after.RekeyAt, pair) < TimeSpan.FromSeconds(545));

        var cookies = (byte[])[.. pair.Sun.V1.InitiatorSpi.ToBlob().Span, .. pair.Sun.V1.ResponderSpi.ToBlob().Span];
        Tell(pair, Told(IsakmpProtocol.Isakmp, cookies, (ushort)OakleyAttribute.LifeType, (ushort)OakleyAttribute.LifeDuration, 1200));
        Assert.True(Left(pair.Moon.V1.Status(pair.World.Now).RekeyAt, pair) <= TimeSpan.FromSeconds(1080));

        // Longer than we would keep it ourselves is no news, and of a child that is not there nobody can say anything.
        Tell(pair, Told(IsakmpProtocol.Esp, before.OutboundSpi.ToBlob(), (ushort)IpsecAttribute.LifeType, (ushort)IpsecAttribute.LifeDuration, 90_000));
        Tell(pair, Told(IsakmpProtocol.Esp, new Spi(0xdeadbeef).ToBlob(), (ushort)IpsecAttribute.LifeType, (ushort)IpsecAttribute.LifeDuration, 1));
        Assert.True(Left(Child(pair.Moon, pair).ExpiresAt, pair) <= TimeSpan.FromSeconds(600));
        MainModeStories.IsUp(pair);
        pair.World.Run(3000);
        MainModeStories.IsUp(pair, generations: true);
        Assert.True(pair.Moon.Events.OfType<Event.IkeRekeyed>().Any());
    }

    [Fact]
    public void The_commit_bit_and_the_CONNECTED_that_goes_with_it_do_no_harm()
    {
        const byte commit = 2;
        var pair = MainModeStories.Two();
        pair.World.Changes = (_, _, bytes) =>
        {
            var copy = bytes.ToArray();
            if (copy[18] == (byte)ExchangeKind.QuickMode)
                copy[19] |= commit;
            return copy;
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        var child = Child(pair.Moon, pair);
        Tell(pair, new Payload.Notification(IsakmpProtocol.Esp, child.OutboundSpi.ToBlob(), NotifyKind.Connected, Blob.Empty));
        MainModeStories.IsUp(pair);
        pair.Moon.Order((session, outbox) => session.RekeyChild(pair.World.Now, child.UniqueId, 7, outbox));
        pair.World.Run(3);
        Assert.Null(pair.Moon.Outcome(7));
    }

    [Fact]
    public void Weak_algorithms_work_where_they_are_named_and_are_warned_of_once_each()
    {
        var pair = MainModeStories.Two(change: c => c with
        {
            Proposals = Configs.Ike("3des-md5-modp1024"),
            Children = [c.Children[0] with { Proposals = Configs.Esp("3des-md5-modp1024") }],
        });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        MainModeStories.IsUp(pair);
        Assert.Equal("IKE:3DES_CBC/HMAC_MD5_96/PRF_HMAC_MD5/MODP_1024", $"{pair.Sun.V1.Status(pair.World.Now).Suite}");
        pair.Moon.Order((session, outbox) => session.RekeyChild(pair.World.Now, Child(pair.Moon, pair).UniqueId, 7, outbox));
        pair.World.Run(3);
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
            Assert.Equal(["3DES_CBC", "HMAC_MD5_96", "MODP_1024", "PRF_HMAC_MD5"], host.Events.OfType<Event.Note>()
                .Where(note => note.Text.Contains(": it is weak", StringComparison.Ordinal)).Select(note => note.Text.Split(' ')[1]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void INITIAL_CONTACT_in_a_message_of_its_own_ends_what_was_taken_over_and_nothing_newer()
    {
        var pair = MainModeStories.Up();
        var before = Child(pair.Moon, pair).InboundSpi;
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 8, outbox));
        pair.World.Run(60);
        Assert.Equal(before, Child(pair.Moon, pair).InboundSpi);
        pair.Moon.Order((session, outbox) => session.RekeyChild(pair.World.Now, Child(pair.Moon, pair).UniqueId, 9, outbox));
        pair.World.Run(2);
        var cookies = (byte[])[.. pair.Sun.V1.InitiatorSpi.ToBlob().Span, .. pair.Sun.V1.ResponderSpi.ToBlob().Span];
        Tell(pair, new Payload.Notification(IsakmpProtocol.Isakmp, cookies, NotifyKind.InitialContact, Blob.Empty));
        Assert.NotEqual(before, Assert.Single(pair.Moon.V1.Status(pair.World.Now).Children).InboundSpi);
        Assert.DoesNotContain(before, pair.Moon.Installed.Keys);
    }

    static ChildConfig Long(ChildConfig child) => child with { RekeyTime = 2 * Hour, LifeTime = 3 * Hour, LifeBytes = 1 << 30, RekeyBytes = 900 << 20 };

    static ChildSaStatus Child(Host host, Pair pair) => host.V1.Status(pair.World.Now).Children.Last();

    static TimeSpan Left(Instant? at, Pair pair) => at is { } known ? known - pair.World.Now : TimeSpan.MaxValue;

    /// <summary>Sun says so in a message of its own.</summary>
    static void Tell(Pair pair, Payload payload)
    {
        var sun = pair.Sun.V1;
        PhaseOne.Tell(new Turn(sun, pair.World.Now, pair.Sun.Outbox, sun.Path), ((KeyedPhase)sun.Phase).Keying, payload);
        pair.Sun.Obey();
        pair.World.Run(1);
    }

    static Payload.Notification Told(IsakmpProtocol protocol, Blob spi, ushort type, ushort duration, uint seconds)
    {
        var w = new WireWriter();
        DataAttribute.Of(type, (uint)LifeType.Seconds).Write(w);
        DataAttribute.Of(duration, seconds).Write(w);
        return new(protocol, spi, NotifyKind.ResponderLifetime, w.ToArray());
    }
}
