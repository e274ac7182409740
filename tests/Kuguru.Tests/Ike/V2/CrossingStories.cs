using Kuguru.Ike;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>The peer asks for new keys of the IKE SA while a question of ours is out that is about something else (RFC 7296 section 2.25, RFC 4555).</summary>
public class CrossingStories
{
    static readonly IpAddress Other = IpAddress.Parse("192.0.2.77");

    [Fact]
    public void An_address_update_whose_answer_does_not_come_before_the_new_keys_moves_our_children_all_the_same()
    {
        var pair = Mobile();
        MoveMoon(pair, Other);
        Deliver(pair, "request 2"); // UPDATE_SA_ADDRESSES; its answer waits
        Deliver(pair, "request 0"); // return routability, and its answer
        Deliver(pair, "response 0");
        pair.Sun.Order((session, outbox) => session.RekeyIke(pair.World.Now, 7, outbox));
        Deliver(pair, "request 1");
        Calm(pair);
        AssertMoved(pair);
    }

    [Fact]
    public void A_return_routability_check_that_is_not_answered_before_the_new_keys_is_made_again()
    {
        var pair = Mobile();
        MoveMoon(pair, Other);
        Deliver(pair, "request 2");
        Deliver(pair, "response 2");
        Lose(pair, "request 0");
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 7, outbox));
        Deliver(pair, "request 3");
        Calm(pair);
        AssertMoved(pair);
    }

    [Fact]
    public void Addresses_that_were_told_in_vain_are_told_again()
    {
        var pair = Mobile();
        pair.Moon.LocalAddresses = [pair.Moon.Address, Other];
        pair.Moon.Order((session, outbox) => session.NetworkChanged(pair.World.Now, false, outbox));
        pair.Moon.Order((session, outbox) => session.PathsFound(pair.World.Now, new(true, [new(new(pair.Moon.Address, 0), new(pair.Sun.Address, 0))]), outbox));
        Lose(pair, "request 2");
        pair.Sun.Order((session, outbox) => session.RekeyIke(pair.World.Now, 7, outbox));
        Deliver(pair, "request 0");
        Calm(pair);
        Assert.Equal(Other, Assert.Single(pair.Sun.Session.Mobility.PeerAddresses));
    }

    [Fact]
    public void An_order_to_authenticate_again_is_answered()
    {
        var pair = new Pair().Up();
        pair.World.Held = [];
        pair.Sun.Order((session, outbox) => session.Reauthenticate(pair.World.Now, 5, outbox));
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 7, outbox));
        Lose(pair, "request 0");
        Deliver(pair, "request 2");
        Calm(pair);
        Assert.True(pair.Sun.IsDone(5));
        pair.World.Run(15);
        Assert.Equal(2, pair.Moon.Events.OfType<Event.IkeUp>().Count());
    }

    [Fact]
    public void Of_two_new_IKE_SAs_the_one_that_stays_is_on_the_path_to_which_the_old_one_has_gone_meanwhile()
    {
        for (var seed = 1; seed <= 4; seed++)
        {
            var pair = new Pair(c => c with { Mobike = true }, c => c with { Mobike = true }, seed: seed).Up();
            pair.World.Held = [];
            pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 5, outbox));
            pair.Sun.Order((session, outbox) => session.RekeyIke(pair.World.Now, 7, outbox));
            Deliver(pair, "request 0");
            pair.Moon.Address = Other;
            pair.Moon.LocalAddresses = [Other];
            pair.Moon.Order(pair.Moon.Sessions[0], (session, outbox) => session.NetworkChanged(pair.World.Now, false, outbox));
            pair.Moon.Order(pair.Moon.Sessions[0], (session, outbox) => session.PathsFound(pair.World.Now, new(false, [new(new(Other, 0), new(pair.Sun.Address, 0))]), outbox));
            // To the old address nothing comes any more.
            pair.World.Held.RemoveAll(held => held.From == pair.Sun && held.Path.Local.Address != Other);
            Calm(pair);
            // Until the old one is given up, whose end may be said to the old address.
            pair.World.Run(200);
            Assert.Equal((null, null), (pair.Moon.Outcome(5), pair.Sun.Outcome(7)));
            AssertMoved(pair);
        }
    }

    [Fact]
    public void The_end_of_the_old_IKE_SA_that_comes_from_elsewhere_moves_nobody()
    {
        var pair = new Pair(nat: new Napt("203.0.113.9")).Up();
        pair.Moon.Order((session, outbox) => session.RekeyIke(pair.World.Now, 7, outbox));
        pair.World.Run(0.06);
        pair.Moon.Nat!.Reboot();
        pair.World.Run(0.2);
        Assert.Null(pair.Moon.Outcome(7));
        Assert.Empty(pair.Sun.Events.OfType<Event.Moved>());
        // The first packet under the new keys does, at once.
        var elsewhere = new Endpoint(IpAddress.Parse("203.0.113.9"), 1026);
        pair.Sun.Order((session, outbox) => session.EspMoved(pair.World.Now, pair.Sun.Installed.Keys.Single(), new(new(pair.Sun.Address, 4500), elsewhere), outbox));
        Assert.Equal(elsewhere, pair.Sun.Installed.Values.Single().Path.Remote);
        Assert.Equal(1, pair.Sun.Session.Status(pair.World.Now).Moves);
    }

    static Pair Mobile()
    {
        var pair = Pair.Both(c => c with { Mobike = true }).Up();
        pair.World.Held = [];
        return pair;
    }

    static void MoveMoon(Pair pair, IpAddress address)
    {
        pair.Moon.Address = address;
        pair.Moon.LocalAddresses = [address];
        pair.Moon.Order((session, outbox) => session.NetworkChanged(pair.World.Now, false, outbox));
        pair.Moon.Order((session, outbox) => session.PathsFound(pair.World.Now, new(false, [new(new(address, 0), new(pair.Sun.Address, 0))]), outbox));
    }

    static int Find(Pair pair, string what)
    {
        var index = pair.World.Held!.FindIndex(held => IkeHeader.TryRead(Plain(held.Bytes), out var header)
            && $"{(header.IsResponse ? "response" : "request")} {header.MessageId}" == what);
        Assert.True(index >= 0, $"no {what} is on its way");
        return index;
    }

    static ReadOnlySpan<byte> Plain(Blob bytes) => bytes.Span.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 0]) ? bytes.Span[4..] : bytes.Span;

    static void Deliver(Pair pair, string what) => pair.World.Deliver(Find(pair, what));

    static void Lose(Pair pair, string what) => pair.World.Held!.RemoveAt(Find(pair, what));

    /// <summary>All that is on its way arrives, and so does what follows from it.</summary>
    static void Calm(Pair pair)
    {
        while (pair.World.Held!.Count > 0)
            pair.World.Deliver(0);
        pair.World.Held = null;
        pair.World.Run(30);
    }

    static void AssertMoved(Pair pair)
    {
        Assert.Equal("192.0.2.77[4500]...192.0.2.2[4500]", $"{pair.Moon.Session.Path}");
        Assert.Equal("192.0.2.2[4500]...192.0.2.77[4500]", $"{pair.Sun.Session.Path}");
        Assert.Equal(pair.Moon.Session.Path, pair.Moon.Installed.Values.Single().Path);
        Assert.Equal(pair.Sun.Session.Path, pair.Sun.Installed.Values.Single().Path);
        Assert.Single(pair.Moon.Events.OfType<Event.Moved>());
        Assert.Single(pair.Sun.Events.OfType<Event.Moved>());
    }
}
