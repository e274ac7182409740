using Kuguru.Ike;
using Kuguru.Ike.V2;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Messages that are too long for one datagram (RFC 7383).</summary>
public class FragmentStories
{
    [Fact]
    public void Long_messages_go_in_pieces_of_which_each_fits()
    {
        var pair = Small();
        var sizes = new List<int>();
        pair.World.Loses = (_, bytes) =>
        {
            if (bytes.Span[18] == 35)
                sizes.Add(bytes.Length + 28);
            return false;
        };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.All(sizes, size => Assert.InRange(size, 28, 200));
        Assert.EndsWith("""
            0.10 > IKE_AUTH request 1 { SKF(1/2) }
            0.10 > IKE_AUTH request 1 { SKF(2/2) }
            0.15 < IKE_AUTH response 1 { SKF(1/2) }
            0.15 < IKE_AUTH response 1 { SKF(2/2) }

            """, pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void Pieces_may_come_in_any_order_and_twice()
    {
        var pair = Small();
        pair.World.Copies = () => 2;
        pair.World.Shuffle = true;
        pair.Up();
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Single(pair.Sun.Sessions);
    }

    [Fact]
    public void A_lost_piece_is_made_good_by_sending_all_again()
    {
        var pair = Small();
        var lost = 0;
        pair.World.Loses = (_, bytes) => bytes.Span[18] == 35 && lost++ is 1 or 4;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(30);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Single(pair.Sun.Sessions);
        Assert.True(lost > 5);
    }

    [Theory] // RFC 7383 section 2.5.2
    [InlineData(true)]
    [InlineData(false)]
    public void Pieces_that_get_no_answer_become_smaller_and_so_do_those_of_the_answer(bool onlyOneWay)
    {
        var pair = new Pair(c => c with { Local = [c.Local[0] with { Id = Identity.Parse($"{new string('m', 1400)}.example.org") }] },
            c => c with { Local = [c.Local[0] with { Id = Identity.Parse($"{new string('s', 1400)}.example.org") }], Remote = [new()] });
        (pair.Moon.Settings, pair.Sun.Settings) = (new() { FragmentSizeV4 = 1400 }, new() { FragmentSizeV4 = 1400 });
        pair.Moon.Connections[0] = pair.Moon.Connections[0] with { Remote = [new()] };
        pair.Moon.Keys.Clear();
        pair.Sun.Keys.Clear();
        pair.Moon.Keys.Add(Configs.Key("secret"));
        pair.Sun.Keys.Add(Configs.Key("secret"));
        pair.World.Loses = (path, bytes) => bytes.Length > 700 && (!onlyOneWay || path.Local.Address == pair.Sun.Address);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(120);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Single(pair.Sun.Installed);
        Assert.Contains(onlyOneWay ? "< IKE_AUTH response 1 { SKF(1/" : "> IKE_AUTH request 1 { SKF(1/", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains(pair.Moon.Events.OfType<Event.Note>(), note => note.Text.Contains("does not answer fragments of", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1280, false, 576)]
    [InlineData(1400, false, 1280)]
    [InlineData(576, false, null)]
    [InlineData(1280, true, null)]
    [InlineData(1400, true, 1280)]
    public void What_every_host_takes_is_small_enough(int size, bool isV6, int? smaller) => Assert.Equal(smaller, Fragments.Smaller(size, isV6));

    [Fact]
    public void Who_was_not_told_that_the_peer_can_sends_no_pieces()
    {
        var pair = new Pair(sun: c => c with { Fragmentation = false });
        pair.Moon.Settings = pair.Moon.Settings with { FragmentSizeV4 = 200 };
        pair.Up();
        Assert.Null(pair.Moon.Outcome(1));
        Assert.DoesNotContain("SKF", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void More_octets_than_max_packet_are_not_put_together()
    {
        var pair = Small();
        pair.Sun.Settings = pair.Sun.Settings with { MaxPacket = 150 };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(20);
        Assert.True(pair.Sun.Drops[IkeDrop.BadFragment] > 0);
        Assert.Equal(IkeState.Connecting, pair.Moon.Session.State);
    }

    [Fact]
    public void The_answer_is_given_again_for_the_first_piece_only()
    {
        var pair = Small();
        var pieces = new List<Blob>();
        pair.World.Loses = (path, bytes) =>
        {
            if (path.Local.Address == pair.Moon.Address && bytes.Span[18] == 35 && bytes.Span[16] == (byte)PayloadType.SKF)
                pieces.Add(bytes);
            return false;
        };
        pair.Up();
        var path = new Path(new(pair.Sun.Address, 500), new(pair.Moon.Address, 500));
        pair.World.Forget();
        foreach (var piece in pieces.Skip(1))
            pair.Sun.Receive(path, piece);
        Assert.Empty(pair.World.Transcript);
        pair.Sun.Receive(path, pieces[0]);
        Assert.NotEmpty(pair.World.Transcript);
    }

    static Pair Small()
    {
        var pair = new Pair();
        pair.Moon.Settings = pair.Moon.Settings with { FragmentSizeV4 = 200 };
        pair.Sun.Settings = pair.Sun.Settings with { FragmentSizeV4 = 200 };
        return pair;
    }
}
