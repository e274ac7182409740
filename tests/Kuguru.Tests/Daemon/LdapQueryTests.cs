using System.Net;
using System.Net.Sockets;
using System.Text;
using Kuguru.Daemon;
using Xunit;

namespace Kuguru.Tests.Daemon;

/// <summary>CRLs out of directories. The questions in hex are such as OpenLDAP 2.5 has answered, the answers what it said.</summary>
public class LdapQueryTests
{
    const string Entry = "cn=Kuguru Root CA,o=Kuguru Project,c=CH", Name = "0427636e3d4b756775727520526f6f742043412c6f3d4b75677572752050726f6a6563742c633d4348";
    const string Attributes = "303d042063657274696669636174655265766f636174696f6e4c6973743b62696e617279041963657274696669636174655265766f636174696f6e4c697374";
    const string Done = "300c02010165070a010004000400", NoSuchEntry = "3021020101651c0a012004156f3d4b75677572752050726f6a6563742c633d43480400";
    const int MaxLength = 100_000;

    static readonly CancellationToken Cancel = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "30818a020101638184" + Name + "0a01000a0100020101020100010100870b6f626a656374436c617373" + Attributes)]
    [InlineData("??base?objectClass=cRLDistributionPoint", "3081a202010163819c" + Name + "0a01000a0100020101020100010100a323040b6f626a656374436c617373041463524c446973747269627574696f6e506f696e74" + Attributes)]
    [InlineData("?certificateRevocationList??(objectClass=person)", "30819402010163818e" + Name + "0a01000a0100020101020100010100a315040b6f626a656374436c6173730406706572736f6e" + Attributes)]
    public void A_question_is_for_one_entry_and_its_attribute(string rest, string question) =>
        Assert.Equal(question, Convert.ToHexStringLower(Of($"ldap://ldap.example.org/{Entry}{rest}").Write()));

    [Theory]
    [InlineData("ldap:///cn=ca?certificateRevocationList?base?objectClass=cRLDistributionPoint", "it names no server")]
    [InlineData("ldap://ldap.example.org/c=CH??sub", "only one entry is looked at, not scope 'sub'")]
    [InlineData("ldap://ldap.example.org/c=CH???(&(a=b)(c=d))", "the filter '(&(a=b)(c=d))' is more than one attribute and its value")]
    [InlineData("ldap://ldap.example.org/c=CH???cn=ca*", "the filter 'cn=ca*' is more than one attribute and its value")]
    [InlineData("ldap://ldap.example.org/c=CH????!bindname=cn=Manager", "the extension '!bindname=cn=Manager' is not known")]
    public void An_URI_for_more_than_that_is_refused(string uri, string why)
    {
        Assert.False(LdapQuery.TryRead(new Uri(uri), out _, out var said));
        Assert.Equal(why, said);
    }

    [Fact]
    public async Task The_value_is_found_whichever_way_the_server_calls_it_and_however_its_answer_is_cut()
    {
        var value = Enumerable.Range(0, 40_000).Select(i => (byte)i).ToArray();
        foreach (var attribute in (string[])["certificateRevocationList;binary", "CertificateRevocationList"])
        {
            foreach (var piece in (int[])[1, 1000, int.MaxValue])
                Assert.Equal(value, await Of($"ldap://ldap.example.org/{Entry}").Ask(new Server([.. Holding(attribute, value), .. Bytes(Done)], piece), MaxLength, Cancel));
        }
    }

    [Theory]
    [InlineData(NoSuchEntry, "LDAP result 32, no such entry")]
    [InlineData(Done, "'" + Entry + "' has no certificateRevocationList")]
    [InlineData("300c02010265070a010004000400", "what the server answers is not LDAP, or not to the question")]
    [InlineData("485454502f312e3120343030", "what the server answers is not LDAP, or not to the question")]
    [InlineData("30840fffffff", "the server ended the connection before its answer")]
    [InlineData("", "the server ended the connection before its answer")]
    public async Task What_is_no_answer_is_told(string answer, string why) => Assert.Equal(why, await Failure(Bytes(answer)));

    [Fact]
    public async Task No_more_is_taken_than_was_asked_for_whatever_the_server_announces()
    {
        var flood = new byte[50_000_000];
        Bytes("30847fffffff").CopyTo(flood, 0);
        using var server = new Server(flood);
        var error = await Assert.ThrowsAsync<IOException>(() => Of($"ldap://ldap.example.org/{Entry}").Ask(server, MaxLength, Cancel));
        Assert.Equal("an answer of more than 100000 octets", error.Message);
        Assert.InRange(server.Position, MaxLength, 2 * MaxLength);
    }

    [Fact]
    public async Task What_is_wrong_anywhere_in_an_answer_is_an_error_and_nothing_worse()
    {
        byte[] answer = [.. Holding("certificateRevocationList", [1, 2, 3]), .. Bytes(Done)];
        for (var i = 0; i < answer.Length; i++)
        {
            foreach (var bits in (byte[])[1, 0x40, 0x80, 0xFF])
            {
                byte[] wrong = [.. answer];
                wrong[i] ^= bits;
                await Failure(wrong);
            }
        }
    }

    [Fact]
    public async Task A_CRL_is_fetched_from_a_directory_and_who_does_not_answer_is_given_up()
    {
        using var directory = new LdapServer(new() { [Entry] = [7, 8, 9] });
        Assert.Equal([7, 8, 9], (await FetcherTests.Fetch(new(directory.Uri(Entry), Blob.Empty))).Bytes!.Value.ToArray());
        Assert.Equal("LDAP result 32, no such entry", (await FetcherTests.Fetch(new(directory.Uri("c=CH"), Blob.Empty))).Why);
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        Assert.Equal("not done in 0.5 s", (await FetcherTests.Fetch(new($"ldap://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/c=CH", Blob.Empty), limit: 0.5)).Why);
        silent.Stop();
        Assert.Contains("refused", (await FetcherTests.Fetch(new($"ldap://127.0.0.1:{directory.Close()}/c=CH", Blob.Empty))).Why, StringComparison.Ordinal);
    }

    static LdapQuery Of(string uri) => LdapQuery.TryRead(new Uri(uri), out var query, out var why) ? query : throw new InvalidOperationException(why);

    /// <summary>Null where what was asked for has come all the same.</summary>
    static async Task<string?> Failure(byte[] answer)
    {
        try
        {
            await Of($"ldap://ldap.example.org/{Entry}").Ask(new Server(answer), MaxLength, Cancel);
            return null;
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    static byte[] Holding(string attribute, byte[] value) => LdapServer.Entry(Encoding.UTF8.GetBytes(Entry), Encoding.UTF8.GetBytes(attribute), value);

    static byte[] Bytes(string hex) => Convert.FromHexString(hex);

    /// <summary>Says what it has to say, in such pieces, whatever it is asked.</summary>
    sealed class Server(byte[] answer, int piece = int.MaxValue) : MemoryStream(answer, writable: false)
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => default;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
    }
}
