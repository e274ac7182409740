using Kuguru.Ike;
using Kuguru.Ike.V2;
using Kuguru.Wire;
using Kuguru.Wire.V2;
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

    [Theory]
    [InlineData("number zero", IkeDrop.Malformed, 5000)]
    [InlineData("a number beyond the total", IkeDrop.Malformed, 5000)]
    [InlineData("no total", IkeDrop.Malformed, 5000)]
    [InlineData("more pieces than anybody sends", IkeDrop.BadFragment, 5000)]
    [InlineData("never the last piece", IkeDrop.BadFragment, 400)]
    [InlineData("fewer and fewer pieces", IkeDrop.BadFragment, 4900)]
    [InlineData("pieces of other questions", IkeDrop.OutOfWindow, 5000)]
    [InlineData("pieces of a stranger", IkeDrop.NotAuthentic, 5000)]
    public void Of_a_bomb_of_pieces_nothing_is_kept_that_grows_and_the_next_question_is_answered(string bomb, IkeDrop why, int atLeast)
    {
        const int Pieces = 5000;
        var pair = new Pair().Up();
        var (session, keying) = ((IkeV2Session)pair.Moon.Session, ((KeyedPhase)((IkeV2Session)pair.Moon.Session).Phase).Keying);
        var path = new Path(new(pair.Sun.Address, 500), new(pair.Moon.Address, 500));
        var octets = new byte[900];
        for (var i = 0; i < Pieces; i++)
        {
            var (number, total, id) = bomb switch
            {
                "number zero" => (0, 2, 2),
                "a number beyond the total" => (3, 2, 2),
                "no total" => (1, 0, 2),
                "more pieces than anybody sends" => (1 + i, ushort.MaxValue, 2),
                "fewer and fewer pieces" => (1, Math.Max(2, 64 - i), 2),
                "pieces of other questions" => (1, 2, 3 + i),
                _ => (1 + i % 63, 64, 2),
            };
            var header = new IkeMessage(session.InitiatorSpi, session.ResponderSpi, ExchangeType.Informational, IkeFlags.Initiator, new((uint)id), []);
            var piece = keying.SealFragment(header, PayloadType.Notify, (ushort)number, (ushort)total, octets, pair.Moon.Dice).ToArray();
            if (bomb == "pieces of a stranger")
                piece[^1] ^= 1;
            pair.Sun.Receive(path, piece);
        }
        Assert.InRange(pair.Sun.Drops[why], atLeast, Pieces);
        Assert.Empty(pair.World.Transcript);
        pair.Moon.Order((sa, outbox) => sa.RekeyIke(pair.World.Now, 7, outbox));
        pair.World.Run(2);
        Assert.Null(pair.Moon.Outcome(7));
        Assert.Empty(pair.Sun.Failures);
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
