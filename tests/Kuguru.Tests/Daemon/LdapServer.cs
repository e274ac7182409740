using System.Formats.Asn1;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Kuguru.Tests.Daemon;

/// <summary>A directory on loopback whose entries have one attribute each, a CRL; answers one question a connection.</summary>
sealed class LdapServer : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly Dictionary<string, byte[]> _entries;

    public LdapServer(Dictionary<string, byte[]> entries)
    {
        _entries = entries;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = Serve();
    }

    public int Port { get; }

    public string Uri(string entry) => $"ldap://127.0.0.1:{Port}/{entry}?certificateRevocationList";

    /// <summary>From now on nobody is there; the port.</summary>
    public int Close()
    {
        _listener.Stop();
        return Port;
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>A SearchResultEntry (RFC 4511 section 4.5.2).</summary>
    public static byte[] Entry(byte[] name, byte[] attribute, byte[] value)
    {
        var w = new AsnWriter(AsnEncodingRules.BER);
        using (w.PushSequence())
        {
            w.WriteInteger(1);
            using (w.PushSequence(new Asn1Tag(TagClass.Application, 4, isConstructed: true)))
            {
                w.WriteOctetString(name);
                using (w.PushSequence())
                using (w.PushSequence())
                {
                    w.WriteOctetString(attribute);
                    using (w.PushSetOf())
                        w.WriteOctetString(value);
                }
            }
        }
        return w.Encode();
    }

    async Task Serve()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                var question = new byte[4096];
                var length = await client.GetStream().ReadAsync(question);
                await client.GetStream().WriteAsync(Answer(question.AsMemory(0, length)));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Close();
        }
    }

    byte[] Answer(ReadOnlyMemory<byte> question)
    {
        var message = new AsnReader(question, AsnEncodingRules.BER).ReadSequence();
        message.ReadInteger();
        var name = message.ReadSequence(new Asn1Tag(TagClass.Application, 3, isConstructed: true)).ReadOctetString();
        return _entries.TryGetValue(Encoding.UTF8.GetString(name), out var crl)
            ? [.. Entry(name, "certificateRevocationList;binary"u8.ToArray(), crl), .. Convert.FromHexString("300c02010165070a010004000400")]
            : Convert.FromHexString("300c02010165070a012004000400");
    }
}
